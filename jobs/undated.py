"""Rejected rows that no clock dates: they go to quarantine on the day of the run that meets them first, and once."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.ingest_counts import QUARANTINED
from jobs.intake import UNDATED, Scope
from jobs.lake import Lake
from jobs.side_by_side import side_by_side
from jobs.source import RAW_ROW

QUARANTINE = "quarantine"


def with_undated_once(lake: Lake, results: Mapping[str, DataFrame], scope: Scope) -> dict[str, DataFrame]:
    """Settle the ``status`` of undated rows by table, and leave out those that an earlier run rejected.

    Rows are compared by their content, so equal ones are one from then on. Days that this run writes again do not
    count. Quarantine is only read where there is such a row.
    """

    def settle(table: str) -> DataFrame:
        rows = results[table]
        undated = rows.where(F.col("status") == UNDATED)
        if undated.isEmpty():
            return rows
        rejected = _rejected_before(lake, table, scope)
        fresh = undated if rejected is None else undated.join(rejected, RAW_ROW, how="left_anti").select(*rows.columns)
        return rows.where(F.col("status") != UNDATED).unionByName(fresh.withColumn("status", F.lit(QUARANTINED)))

    return dict(zip(results, side_by_side(settle, results), strict=True))


def _rejected_before(lake: Lake, table: str, scope: Scope) -> DataFrame | None:
    if not lake.days(QUARANTINE):
        return None
    others = ~F.col("ds").between(F.lit(scope.start), F.lit(scope.last))
    return lake.read(QUARANTINE).where(others & (F.col("table") == table)).select(RAW_ROW)
