"""Everything that is measured of bundles: quality on labelled rows, size, latency, throughput, cold start, memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.batch import LabelledRows, to_labelled_rows
from models.bundle import artifact_bytes, served_by
from models.measure import measure_in_fresh_process
from models.quality import quality
from models.schema import FeatureSchema
from models.serving import Scorer
from models.serving.manifest import read_measures
from models.serving.types import Floats

SAID_BEFORE = (
    "n_features",
    "fit_seconds",
    "fitted_at_once",
    "calibration",
    "conversion_max_difference",
    "other_formats",
)
"""What a bundle knows before it is measured."""


@dataclass(frozen=True)
class Scored:
    """A bundle and the rows that it scored."""

    folder: Path
    manifest: Mapping[str, Any]
    rows: LabelledRows
    table: pa.Table
    """The same rows as they lie in the table."""
    probabilities: Floats
    """Shape (n_rows,)."""


def score_bundle(folder: Path, table: pa.Table, schema: FeatureSchema) -> Scored:
    """Score labelled rows by a bundle, in the way that serves.

    Raises
    ------
    BundleError, EngineError, RowError
        When the bundle cannot be loaded, or the rows do not fit it.
    """
    scorer = Scorer.load(folder)
    rows = to_labelled_rows(table, schema)
    raw = table.select([name for name in scorer.encoder.raw_columns if name in table.column_names])
    return Scored(folder, scorer.manifest, rows, raw, scorer.score(rows.batch))


def measure_scored(scored: Sequence[Scored], work: Path, *, latency_rows: int, seed: int = 0) -> dict[str, Any]:
    """Measure bundles side by side.

    Parameters
    ----------
    scored : sequence of Scored
        What to measure.
    work : Path
        A folder for files that are needed on the way.
    latency_rows : int
        How many rows, spread evenly over all, are timed one by one.
    seed : int
        What bootstrap samples are drawn with.

    Returns
    -------
    dict
        ``machine``, and ``entries``: one for each bundle, in order.
    """
    files = _row_files([_spread(one.table, latency_rows) for one in scored], work)
    speed = measure_in_fresh_process([one.folder for one in scored], files, work / "speed.json")
    entries = [_entry(one, timed, seed) for one, timed in zip(scored, speed["bundles"], strict=True)]
    return {"machine": speed["machine"], "entries": entries}


def _row_files(tables: Sequence[pa.Table], work: Path) -> list[Path]:
    """Write each table; equal ones, of bundles that read the same columns, share a file."""
    first = [next(at for at, other in enumerate(tables) if other is table or other.equals(table)) for table in tables]
    files = [work / f"rows_{at}.parquet" for at in first]
    for at in set(first):
        pq.write_table(tables[at], files[at])
    return files


def _entry(one: Scored, timed: Mapping[str, Any], seed: int) -> dict[str, Any]:
    before = read_measures(one.folder, dict(one.manifest))
    named = {name: one.manifest[name] for name in ("name", "family", "version", "serving_format")}
    known = {name: before.get(name) for name in SAID_BEFORE}
    sizes = {"artifact_bytes": artifact_bytes(served_by(one.manifest, timed), before)}
    return {**named, **known, **quality(one.probabilities, one.rows, seed=seed), **sizes, **timed}


def _spread(table: pa.Table, rows: int) -> pa.Table:
    return table.take(np.unique(np.linspace(0, table.num_rows - 1, rows).astype(np.int64)))
