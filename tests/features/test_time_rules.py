"""Two clocks, one midnight, and a load that comes in some hours after it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.time_rules import DAY_S, TimeRules, as_of_day, known_day

THREE_HOURS = TimeRules(ready_lag_s=3 * 3600)


def rows_with(spark: SparkSession, schema: str, rows: list[Any], **columns: Any) -> list[Any]:
    texts = spark.createDataFrame(rows, schema)
    return texts.select("*", *(column.alias(name) for name, column in columns.items())).collect()


def test_known_day_needs_both_clocks(spark: SparkSession) -> None:
    rows = [
        ("2026-03-01 10:00:00", "2026-03-01 10:00:00", date(2026, 3, 1)),  # known at once
        ("2026-03-01 23:59:59.999", "2026-03-02 02:59:59.999", date(2026, 3, 1)),  # in time for the nightly load
        ("2026-03-01 23:59:59.999", "2026-03-02 03:00:00", date(2026, 3, 2)),  # known exactly at T + lag: too late
        ("2026-03-02 00:00:00", "2026-03-02 00:00:00", date(2026, 3, 2)),  # happened exactly at T: of the next day
        ("2026-03-02 01:00:00", "2026-03-02 01:00:00", date(2026, 3, 2)),  # within the lag, but after T
        ("2026-03-01 10:00:00", "2026-03-09 12:00:00", date(2026, 3, 9)),  # a phone that was offline for days
    ]
    day = known_day(F.col("event").cast("timestamp"), F.col("known").cast("timestamp"), THREE_HOURS)
    for row in rows_with(spark, "event string, known string, expected date", rows, day=day):
        assert row["day"] == row["expected"], row


def test_a_send_is_served_by_the_last_ready_midnight(spark: SparkSession) -> None:
    rows = [
        ("2026-03-02 02:59:59.999", date(2026, 3, 1)),  # the load of this night is not in yet
        ("2026-03-02 03:00:00", date(2026, 3, 2)),  # bound included
        ("2026-03-02 23:00:00", date(2026, 3, 2)),
    ]
    day = as_of_day(F.col("send_at").cast("timestamp"), THREE_HOURS)
    for row in rows_with(spark, "send_at string, expected date", rows, day=day):
        assert row["day"] == row["expected"], row


@pytest.mark.parametrize(
    ("window_s", "allowance_s", "days"), [(DAY_S, DAY_S, 2), (DAY_S, 1, 2), (DAY_S, 0, 1), (0, 0, 0), (1, 0, 1)]
)
def test_maturity_is_rounded_up_to_days(window_s: int, allowance_s: int, days: int) -> None:
    rules = TimeRules(attribution_window_s=window_s, lateness_allowance_s=allowance_s)
    assert rules.maturity_days == days


def test_negative_times_are_refused() -> None:
    with pytest.raises(ValueError, match="ready_lag_s: expected at least 0 seconds, got -1"):
        TimeRules(ready_lag_s=-1)


def test_rules_survive_json() -> None:
    assert TimeRules.from_dict(THREE_HOURS.to_dict()) == THREE_HOURS
