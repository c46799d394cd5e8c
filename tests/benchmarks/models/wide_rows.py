"""Made rows shaped like the product's: skewed counts, rates with nulls, categories; 150 columns, most of them noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.schema import Feature, FeatureSchema

COUNTS, RATES, CATEGORIES = 80, 56, 14
CHUNK_ROWS = 16_384
PARTS = {"train": 0.9, "validation": 0.1, "holdout": 0.1}
"""Share of the rows that are fitted on; the hold-out comes on top."""

SCHEMA = FeatureSchema(
    "wide",
    (
        *(Feature(f"count_{number}", "int", "numeric") for number in range(COUNTS)),
        *(Feature(f"rate_{number}", "double", "numeric") for number in range(RATES)),
        *(Feature(f"word_{number}", "string", "categorical") for number in range(CATEGORIES)),
    ),
)


def write_rows(folder: Path, n_rows: int) -> None:
    """Write the parts, one file each, unless they are there."""
    for number, (part, share) in enumerate(PARTS.items()):
        file = folder / f"part={part}" / "rows.parquet"
        if file.exists():
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_suffix(".unfinished")
        first, rows = number * 10**9, int(n_rows * share)
        words = [f"word_{word}" for word in range(CATEGORIES)]
        with pq.ParquetWriter(beside, _chunk(0, 1).schema, use_dictionary=[*words, "user_id"]) as writer:
            for start in range(0, rows, CHUNK_ROWS):
                writer.write_table(_chunk(first + start, min(CHUNK_ROWS, rows - start)))
        beside.replace(file)


def _chunk(first: int, n: int) -> pa.Table:
    """Make rows of which a few columns tell the click; `first` numbers them and is the seed."""
    rng = np.random.default_rng([7, first])
    counts = np.floor(rng.standard_exponential((COUNTS, n), dtype=np.float32) ** 2.5).astype(np.int32)
    rates = rng.random((RATES, n), dtype=np.float32) ** 3
    nulls = rng.random((RATES, n), dtype=np.float32) < np.linspace(0, 0.8, RATES)[:, None]
    words = np.minimum(rng.geometric(0.08, (CATEGORIES, n)), 60)
    score = -3 + 0.25 * np.log1p(counts[:8]).sum(0) - 0.25 * np.log1p(counts[8:16]).sum(0)
    score += 1.5 * (np.where(nulls[:6], 0.25, rates[:6]) - 0.25).sum(0) + 0.3 * np.sin(words[:4]).sum(0)
    score += 0.4 * (counts[0] > 2) * (words[0] % 3 - 1)
    known = pa.array([f"w{word}" for word in range(61)])
    columns = {
        "send_id": pa.array([f"s{row:012d}" for row in range(first, first + n)]),
        "user_id": pa.array([f"u{user}" for user in rng.integers(0, 200_000, n)]),
        "label": pa.array((rng.random(n) < 1 / (1 + np.exp(-score))).astype(np.int32)),
        **{f"count_{one}": pa.array(counts[one]) for one in range(COUNTS)},
        **{f"rate_{one}": pa.array(rates[one].astype(np.float64), mask=nulls[one]) for one in range(RATES)},
        **{f"word_{one}": known.take(pa.array(words[one])) for one in range(CATEGORIES)},
    }
    return pa.table(columns)
