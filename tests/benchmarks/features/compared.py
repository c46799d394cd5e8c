"""Whether DuckDB rebuilt the product's rows: those that differ, and what it does not rebuild."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.catalogue import keys_of
from features.rows import PRIORS, history_table
from jobs.lake import Lake
from tests.benchmarks.features.duck import blocks
from tests.benchmarks.features.histories import HISTORIES
from tests.benchmarks.features.logs import TABLES

REBUILT: Mapping[str, tuple[str, str]] = {
    **{name: (history_table(history.key), f"{history.prefix}_first_day") for name, history in HISTORIES.items()},
    **{name: (history_table(block.key), block.marker) for name, block in blocks.BLOCKS.items()},
}
"""By block, the product's table, and a column that is null where nothing of the block is known."""


ALONE = ("requests", "audience", "campaigns_to_come", "daily partials", "carried state")
"""What the product's run writes besides, and DuckDB does not."""


def differences(lake: Lake, rebuilt: Path, since: date, until: date, chosen: Column) -> dict[str, int]:
    """Count, per block and prior, the rows that the product has and that DuckDB found otherwise or not at all.

    Parameters
    ----------
    lake, rebuilt
        Where the product's rows are, and DuckDB's.
    since, until : date
        Days that asked.
    chosen : Column
        Which rows were rebuilt.
    """
    found = {}
    for name, (table, marker) in REBUILT.items():
        again = _again(lake, rebuilt, name)
        rows = lake.read(table, since=since, until=until).where(chosen & F.col(marker).isNotNull())
        ours = rows.select(*again.columns).distinct()
        found[name] = ours.exceptAll(again).count()
        assert not ours.isEmpty(), f"{name}: nothing was compared"
    fitted = lake.read(PRIORS, since=since, until=until).where(chosen)
    return {**found, **{name: _priors_that_differ(fitted, _again(lake, rebuilt, name)) for name in blocks.PRIORS}}


def _priors_that_differ(fitted: DataFrame, again: DataFrame) -> int:
    """Count the midnights for which a prior is another; sums of fractions are equal but for the order of terms."""
    ours, theirs = ({row["as_of"]: row.asDict() for row in rows.collect()} for rows in (fitted, again))
    assert ours, "no prior was compared"
    names = [name for name in again.columns if name != "as_of"]

    def is_same(one: Mapping[str, Any], other: Mapping[str, Any] | None) -> bool:
        return other is not None and all(np.allclose(one[name], other[name], rtol=1e-9, atol=0) for name in names)

    return sum(not is_same(row, theirs.get(as_of)) for as_of, row in ours.items())


def _again(lake: Lake, rebuilt: Path, name: str) -> DataFrame:
    return lake._spark.read.parquet(str(rebuilt / f"{name}.parquet"))


def not_rebuilt(lake: Lake, rebuilt: Path) -> dict[str, list[str]]:
    """Name the columns of the product's histories and priors that DuckDB does not make, by table."""
    made: dict[str, set[str]] = {history_table(key): {*key, "as_of", "ds"} for key in keys_of(TABLES)}
    made[PRIORS] = {"ds"}
    tables = {name: table for name, (table, _) in REBUILT.items()} | dict.fromkeys(blocks.PRIORS, PRIORS)
    for name, table in tables.items():
        made[table].update(_again(lake, rebuilt, name).columns)
    left = {table: [name for name in lake.read(table).columns if name not in names] for table, names in made.items()}
    return {table: names for table, names in left.items() if names}


def left_out(columns: Mapping[str, list[str]]) -> str:
    """Say what DuckDB does not make, given what ``not_rebuilt`` found."""
    named = "; ".join(f"{table}: {', '.join(names)}" for table, names in columns.items())
    return f"not made by DuckDB: {', '.join(ALONE)}; of histories and priors: {named or 'nothing'}"
