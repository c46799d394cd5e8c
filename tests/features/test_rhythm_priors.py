"""Priors of rhythms against sums by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.rhythm_events import NO_HOUR, Events
from features.rhythm_priors import rhythm_priors

FIRST = date(2026, 3, 2)
Event = tuple[str | None, int, int, int]
"""User, day known, hour of the week, hour since 1970."""


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def fitted(spark: SparkSession, midnights: list[int], **events: list[Event]) -> dict[date, dict[str, Any]]:
    schema = "user_id string, known date, hour_of_week int, hour long"
    told = {
        prefix: Events(
            spark.createDataFrame([(user, day(known), *hours) for user, known, *hours in rows], schema),
            lambda rows: rows.column("hour"),
        )
        for prefix, rows in events.items()
    }
    as_of = spark.createDataFrame([(day(number),) for number in midnights], "as_of date")
    return {row["as_of"]: row.asDict() for row in rhythm_priors(as_of, told).collect()}


def test_shares_and_strength_as_of_each_midnight(spark: SparkSession) -> None:
    clicks = [
        *(("a", 1, hour, NO_HOUR) for hour in (8, 8, 8, 24 + 9)),  # 8 o'clock three times on Monday, 9 on Tuesday
        *(("b", 2, hour, NO_HOUR) for hour in (9, 9)),
        ("c", 2, 5 * 24 + 8, NO_HOUR),  # one event has no pair
        ("a", 5, 20, NO_HOUR),  # the future
        (None, 1, 20, NO_HOUR),  # nobody's
    ]
    found = fitted(spark, [1, 2, 3], click=clicks)
    assert found[day(1)]["click_hours_prior_shares"] is None, "nothing was known before"
    assert found[day(1)]["click_hours_prior_strength"] is None
    # One user: alike 6/12, and as by chance 9/16 + 1/16: no difference is seen.
    assert found[day(2)]["click_hours_prior_strength"] == 10_000.0
    # Of 7 events 4 are at 8 o'clock. Pairs: a 12, b 2; alike 6 + 2 = 8 of 14. Pairs at 8: 3 x 3 = 9, at 9: 3 + 2 = 5.
    # Strength (6/14) / (8/14 - (81 + 25)/196) = 84 / 6.
    hours, last = found[day(3)]["click_hours_prior_shares"], found[day(3)]
    assert [(at, share) for at, share in enumerate(hours) if share] == [(8, pytest.approx(4 / 7)), (9, 3 / 7)]
    assert last["click_hours_prior_strength"] == pytest.approx(14.0)
    assert last["click_weekdays_prior_shares"] == [5 / 7, 1 / 7, 0, 0, 0, 1 / 7, 0]
    # All but a's Tuesday is on Monday: alike 8 of 14, by chance (11/14)^2 + (3/14)^2: no difference is seen.
    assert last["click_weekdays_prior_strength"] == 10_000.0


def test_events_are_forgotten_after_90_days(spark: SparkSession) -> None:
    clicks = [("a", 0, 8, NO_HOUR), ("a", 1, 9, NO_HOUR), ("b", 1, 9, NO_HOUR)]
    found = fitted(spark, [1, 2, 90, 91, 92], click=clicks)
    at_eight = [
        row["click_hours_prior_shares"] and row["click_hours_prior_shares"][8] for _, row in sorted(found.items())
    ]
    assert at_eight == [1.0, 1 / 3, 1 / 3, 0.0, None]
    assert found[day(90)] == {**fitted(spark, [90], click=clicks)[day(90)]}, "midnights do not change each other"


def test_hours_that_follow_each_other_count_once(spark: SparkSession) -> None:
    sessions = [
        *(("a", 1, hour, 1_000 + hour) for hour in (10, 8, 9)),  # one session from 8 o'clock
        *(("a", 1, 12, 1_012) for _ in range(2)),  # another one, of two kinds of events
        ("a", 2, 13, 1_013),  # known later: it stands for itself
        ("b", 1, 13, 1_013),  # another user's
    ]
    shares = fitted(spark, [3], click=[], session=sessions)[day(3)]["session_hours_prior_shares"]
    assert {at: share for at, share in enumerate(shares) if share} == {8: 0.25, 12: 0.25, 13: 0.5}


@pytest.mark.parametrize(
    ("events", "strength"),
    [
        ([("a", 8), ("b", 8), ("c", 9)], 10_000.0),  # no user has two
        ([("a", 8), ("a", 8), ("b", 9), ("b", 9)], 1.0),  # users share nothing, and keep to one hour
        ([("a", 8), ("a", 8)], 10_000.0),  # all alike, as by chance
    ],
)
def test_strength_is_clipped(spark: SparkSession, events: list[tuple[str, int]], strength: float) -> None:
    rows = [(user, 1, hour, NO_HOUR) for user, hour in events]
    assert fitted(spark, [2], click=rows)[day(2)]["click_hours_prior_strength"] == strength
