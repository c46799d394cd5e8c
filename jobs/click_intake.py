"""Clicks on their way in: those that wait for their send, and those that met it."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.attribution import with_first_click, with_send
from features.bots import with_impossible
from features.contract import TABLES
from features.time_rules import known_day
from features.validation import REASON
from jobs.forgotten import Forgotten, with_forgotten
from jobs.ingest_counts import ACCEPTED, FORGOTTEN, NOT_YET_KNOWN, QUARANTINED
from jobs.intake import NEW, Scope
from jobs.lake import Lake
from jobs.mapping import Mapping
from jobs.source import RAW_ROW


def rows_before(lake: Lake, table: str, scope: Scope, days_back: int) -> DataFrame | None:
    """Read the rows of a table that days before this run accepted; None where there are none."""
    days = [day for day in lake.days(table) if 0 < (scope.start - day).days <= days_back]
    return lake.read(table, since=days[0], until=days[-1]) if days else None


def waited_before(lake: Lake, scope: Scope) -> DataFrame | None:
    """Read the clicks that waited for their send before this run, dated by the day they became known."""
    days = [day for day in lake.days("pending") if day < scope.start]
    if not days:
        return None
    return lake.read("pending", since=days[-1], until=days[-1]).drop("ds").withColumnRenamed("waiting_since", "ds")


def clicks_before(
    lake: Lake, accepted: DataFrame | None, waited: DataFrame | None, mapping: Mapping
) -> DataFrame | None:
    """Date clicks of earlier days by when they became known themselves, though they count from their send's day on."""
    clicks = [] if waited is None else [waited]
    if accepted is not None:
        known = known_day(F.col("clicked_at"), F.col("ingested_at"), mapping.time.rules())
        clicks.append(accepted.withColumn("ds", F.greatest(known, F.lit(lake.days("clicks")[0]))))
    columns = (*TABLES["clicks"].column_names, "ds")
    return reduce(DataFrame.unionByName, (rows.select(*columns) for rows in clicks)) if clicks else None


def with_sends(
    lake: Lake,
    results: MappingType[str, DataFrame],
    waited: DataFrame | None,
    scope: Scope,
    mapping: Mapping,
    dedup_days: int,
    forgotten: Forgotten | None,
) -> DataFrame:
    """Join clicks (new ones, and those that waited) to their sends, and mark the first click of each."""
    clicks = results["clicks"]
    fresh = clicks.where(F.col("status") == ACCEPTED).drop("status", REASON, RAW_ROW)
    if waited is not None:
        judged = with_forgotten(waited.withColumn("status", F.lit(NEW)), "clicks", forgotten)
        fresh = fresh.unionByName(judged.where(F.col("status") == NEW).drop("status"))
        dropped = judged.where(F.col("status") == FORGOTTEN).withColumn("ds", F.lit(scope.start))
        clicks = clicks.unionByName(dropped, allowMissingColumns=True)
    sends = results["sends"].where(F.col("status") == ACCEPTED).drop("status", REASON, RAW_ROW)
    sends_before = rows_before(lake, "sends", scope, dedup_days)
    known_sends = sends if sends_before is None else sends.unionByName(sends_before)
    waiting_since = fresh.withColumn("waiting_since", F.col("ds"))
    wait_days = max(1, mapping.time.rules().maturity_days)
    joined = with_send(waiting_since, known_sends, wait_days=wait_days, within_days=dedup_days)
    waits = (F.col(REASON) == "unknown_send") & (F.col("ds") > F.lit(scope.last))
    status = F.when(waits, F.lit(NOT_YET_KNOWN)).when(F.col(REASON).isNotNull(), F.lit(QUARANTINED)).otherwise(ACCEPTED)
    judged = joined.withColumn("status", status).withColumn("ds", F.least("ds", F.lit(scope.last)))
    clicked = rows_before(lake, "clicks", scope, dedup_days)
    first = with_first_click(
        with_impossible(judged.where(F.col("status") == ACCEPTED), mapping.bots.rules()),
        None if clicked is None else clicked.where("is_first_click").select("send_id").distinct(),
    )
    settled = first.unionByName(judged.where(F.col("status") != ACCEPTED), allowMissingColumns=True)
    rejected = F.when(F.col("status") == QUARANTINED, F.to_json(F.struct(*TABLES["clicks"].column_names)))
    return settled.withColumn(RAW_ROW, rejected).unionByName(
        clicks.where(F.col("status") != ACCEPTED), allowMissingColumns=True
    )


def waiting(clicks: DataFrame, scope: Scope) -> DataFrame:
    """Give the clicks that wait for their send at the end of each day of the run."""
    since = F.greatest("waiting_since", F.lit(scope.start))
    until = F.when(F.col("status") == NOT_YET_KNOWN, F.lit(scope.last)).otherwise(F.date_sub("ds", 1))
    day = F.explode(F.sequence(since, until)).alias("ds")
    return clicks.where(F.col("waiting_since").isNotNull() & (since <= until)).select(
        *TABLES["clicks"].column_names, "waiting_since", day
    )
