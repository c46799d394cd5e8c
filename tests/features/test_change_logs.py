"""Change logs on both clocks: a change that comes late is not used early, nor instead of a newer one."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pyspark.sql import SparkSession

from features.change_logs import latest_as_of


def at(day: int) -> datetime:
    return datetime(2026, 3, day, 12, tzinfo=UTC)


def test_latest_as_of(spark: SparkSession) -> None:
    log = spark.createDataFrame(
        [
            ("u", at(1), at(1), date(2026, 3, 1), "first"),
            ("u", at(5), at(5), date(2026, 3, 5), "third"),
            ("u", at(3), at(7), date(2026, 3, 7), "second, known after the third"),
            ("v", at(1), at(1), date(2026, 3, 1), "sent once"),
            ("v", at(1), at(2), date(2026, 3, 2), "corrected"),  # the same time: what was known last
        ],
        "user_id string, updated_at timestamp, ingested_at timestamp, ds date, what string",
    )
    expected = {
        ("u", date(2026, 3, 2)): "first",
        ("u", date(2026, 3, 5)): "first",  # the third became known on the 5th, for the midnight after
        ("u", date(2026, 3, 6)): "third",
        ("u", date(2026, 3, 9)): "third",
        ("v", date(2026, 3, 2)): "sent once",
        ("v", date(2026, 3, 3)): "corrected",
    }
    asked = [*expected, ("u", date(2026, 3, 1)), ("nobody", date(2026, 3, 9))]  # both without a known change: no row
    keys = spark.createDataFrame(asked, "user_id string, as_of date")
    found = latest_as_of(keys, log, key="user_id", columns=("what",)).collect()
    assert {(row["user_id"], row["as_of"]): row["what"] for row in found} == expected
