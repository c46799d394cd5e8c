"""The accounts of ingest: per table and day, what became of every row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame, SparkSession

from features.local_frame import local_frame

COUNTS = "ingest_counts"
"""Table of the accounts; written last, so a day that is in it was ingested whole."""

ACCEPTED, QUARANTINED, DUPLICATE, NOT_YET_KNOWN, FORGOTTEN = OUTCOMES = (
    "accepted",
    "quarantined",
    "duplicates",
    "not_yet_known",
    "forgotten",
)
"""What can become of a row that was read; rows of days that were ingested before are not read again.

A row of a user who asked to be forgotten is counted and dropped, whatever else there is to say about it.
"""

Counts = dict[str, int]


def day_counts(rows: DataFrame) -> dict[date, Counts]:
    """Count rows by ``ds`` and ``status``; rows of later days count on the last day, as not yet known."""
    by_day: dict[date, Counts] = {}
    for row in rows.groupBy("ds", "status").count().collect():
        by_day.setdefault(row["ds"], {})[row["status"]] = row["count"]
    return by_day


def counts_frame(spark: SparkSession, counts: Mapping[str, Mapping[date, Counts]]) -> DataFrame:
    """Lay the counts out as rows: ``table, read``, a column an outcome, ``ds``."""
    rows = [
        (table, sum(of_day.values()), *(of_day.get(outcome, 0) for outcome in OUTCOMES), day)
        for table, by_day in counts.items()
        for day, of_day in by_day.items()
    ]
    numbers = ", ".join(f"{name} long" for name in ("read", *OUTCOMES))
    return local_frame(spark, rows, f"table string, {numbers}, ds date")


def told(table: str, by_day: Mapping[date, Counts]) -> str:
    """Put a table's accounts into one line."""
    total = {outcome: sum(of_day.get(outcome, 0) for of_day in by_day.values()) for outcome in OUTCOMES}
    parts = " + ".join(f"{outcome.replace('_', ' ')} {n:,}" for outcome, n in total.items())
    return f"{table}: read {sum(total.values()):,} = {parts}"
