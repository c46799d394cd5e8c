"""Scores written to Parquet by the workers that give them: Spark's writer takes several times as long as scoring."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.parts import Batches
from features.scoring_parts import USER_KEY, Parts
from jobs.batch_scoring import SCORED, Served, over_users, scored_columns, scorer_of
from jobs.pair_parts import Offers, Pairs
from models.serving.types import Floats

FILE_SCORES = 4_000_000
"""About the most scores of a file, which a worker keeps to sort them: 16 bytes each, and the users' ids."""

CODEC = "spark.sql.parquet.compression.codec"


def write_score_files(
    parts: Parts, served: Served, versions: Mapping[str, str | None], folder: Path, *, group_rows: int
) -> list[str]:
    """Score every user for its offers, and write what ``jobs.batch_scoring.scored`` gives, sorted by campaign.

    Parameters
    ----------
    parts : Parts
    served : Served
    versions : mapping of str to str or None
        Further columns, with the value that all rows have.
    folder : Path
        Where to: a folder that all workers reach.
    group_rows : int
        Most rows of a row group.

    Returns
    -------
    list of str
        Names of the files; others in the folder are of attempts that failed.
    """
    spark = parts.users.session
    codec = str(spark.conf.get(CODEC)).lower().replace("uncompressed", "none")  # as pyarrow says it
    writer = _Writer(folder, versions, group_rows, codec)
    return [row["name"] for row in over_users(parts, served, writer.written, "name string").collect()]


def schema_with(versions: Iterable[str]) -> pa.Schema:
    """Give the columns of files that have these too."""
    return pa.schema([*SCORED, *((name, pa.string()) for name in versions)])


@dataclass(frozen=True)
class _Writer:
    """Where a worker writes, and how."""

    folder: Path
    versions: Mapping[str, str | None]
    group_rows: int
    codec: str

    def written(self, served: Served, offers: Offers, batches: Batches) -> Batches:
        """Write the scores of a task; gives the names of its files."""
        kept = _Kept(offers.table)
        names: list[str] = []
        for batch, pairs, p_click in scorer_of(served).scores(offers, batches):
            kept.add(batch, pairs, p_click)
            if kept.n_scores >= FILE_SCORES:
                names.append(self._write(kept))
                kept = _Kept(offers.table)
        if kept.n_scores:
            names.append(self._write(kept))
        yield pa.RecordBatch.from_arrays([pa.array(names, pa.string())], ["name"])

    def _write(self, kept: _Kept) -> str:
        name = f"part-{uuid.uuid4().hex}.{self.codec}.parquet"
        schema = schema_with(self.versions)
        with pq.ParquetWriter(self.folder / name, schema, compression=self.codec) as file:
            for columns in kept.by_campaign(self.group_rows):
                same = (pa.repeat(pa.scalar(one, pa.string()), len(columns[0])) for one in self.versions.values())
                file.write_table(pa.Table.from_arrays([*columns, *same], schema.names).cast(schema))
        return name


class _Kept:
    """Scores of a file to come."""

    def __init__(self, offers: pa.RecordBatch) -> None:
        self.n_scores = 0
        self._offers = offers
        self._ids: list[pa.RecordBatch] = []
        self._last: pa.RecordBatch | None = None
        self._first = 0
        self._scores: list[tuple[NDArray[np.int32], NDArray[np.int32], Floats]] = []

    def add(self, batch: pa.RecordBatch, pairs: Pairs, p_click: Floats) -> None:
        """Keep scores of a batch's users; batches come one after the other."""
        if batch is not self._last:
            self._first = sum(ids.num_rows for ids in self._ids)
            self._ids.append(batch.select([*USER_KEY]))
            self._last = batch
        users = (pairs.users + self._first).astype(np.int32)
        self._scores.append((users, pairs.offers.astype(np.int32), p_click))
        self.n_scores += len(p_click)

    def by_campaign(self, at_once: int) -> Iterator[list[Any]]:
        """Give the columns of ``SCORED``, so many scores at a time, sorted by campaign."""
        users, offers, p_click = (np.concatenate(column) for column in zip(*self._scores, strict=True))
        ids = pa.Table.from_batches(self._ids).combine_chunks()
        place = pc.rank(self._offers.column("campaign_id"), tiebreaker="dense").to_numpy()
        order = np.argsort(place.astype(np.min_scalar_type(len(place)))[offers], kind="stable")  # short ones by radix
        for at in (order[start : start + at_once] for start in range(0, len(order), at_once)):
            yield scored_columns(ids, users[at], self._offers, offers[at], p_click[at])
