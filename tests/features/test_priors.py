"""Priors against sums by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from features.priors import later_steps, prior_steps, priors, sums_at

KEYS = {"user": ["user_id"]}


def day(number: int) -> date:
    return date(2026, 3, number)


def cells_of(spark: SparkSession, rows: list[tuple[Any, ...]]) -> DataFrame:
    return spark.createDataFrame(rows, "user_id string, ds date, sends long, clicks long")


def fitted(spark: SparkSession, rows: list[tuple[Any, ...]], *midnights: int) -> dict[date, tuple[Any, Any]]:
    as_of = spark.createDataFrame([(day(number),) for number in midnights], "as_of date")
    days = as_of.selectExpr("date_sub(as_of, 1) AS ds")
    sums = sums_at(days, ["user"], prior_steps(cells_of(spark, rows), {}, KEYS, days))
    found = priors(as_of, sums, ["user"]).collect()
    return {row["as_of"]: (row["user_prior_rate"], row["user_prior_strength"]) for row in found}


def test_prior_as_of_each_midnight(spark: SparkSession) -> None:
    cells = [
        ("a", day(2), 3, 1),
        ("a", day(4), 1, 1),  # a: 4 sends, 2 clicks
        ("b", day(4), 2, 2),  # b: 2 sends, 2 clicks
        ("c", day(4), 3, 0),  # c: 3 sends, 0 clicks
        ("a", day(9), 50, 0),  # the future
        (None, day(4), 99, 99),  # nobody's
    ]
    by_midnight = fitted(spark, cells, 2, 3, 9)
    assert by_midnight[day(2)][0] is None, "nothing was known before the second"
    # One user: sum C(C-1) = 0, so no spread beyond chance is seen.
    assert by_midnight[day(3)] == (pytest.approx(1 / 3), 10_000.0)
    # sum S = 9, sum C = 4; sum S(S-1) = 12 + 2 + 6 = 20, sum C(C-1) = 2 + 2 + 0 = 4, sum C(S-1) = 6 + 2 + 0 = 8.
    # Rate 4/9, m = 8/20, v = 4/20 - 4/25 = 1/25, strength (2/5)(3/5) 25 - 1 = 5.
    assert by_midnight[day(9)] == (pytest.approx(4 / 9), pytest.approx(5.0))


@pytest.mark.parametrize("most_met", [0, 1_000])
def test_later_steps_are_those_of_all_days(spark: SparkSession, monkeypatch: pytest.MonkeyPatch, most_met: int) -> None:
    monkeypatch.setattr("features.priors.MOST_MET", most_met)
    old = [("a", day(1), 7, 2), ("gone", day(1), 5, 5)]
    recent = [("a", day(3), 3, 1), ("b", day(3), 1, 0), ("b", day(5), 2, 2), ("c", day(6), 1, 0), (None, day(6), 9, 9)]
    days = spark.createDataFrame([(day(number),) for number in (4, 5, 6)], "ds date")
    of_all = prior_steps(cells_of(spark, [*old, *recent]), {}, KEYS, days).where("ds > '2026-03-04'")
    later = later_steps(cells_of(spark, recent), {"user": cells_of(spark, old)}, KEYS, day(4))
    assert sorted(later.collect()) == sorted(of_all.collect())
    # On the fifth b goes from one send to three, with two clicks; on the sixth c begins.
    assert sorted(later.collect()) == [("user", day(5), 2, 2, 6, 2, 4), ("user", day(6), 1, 0, 0, 0, 0)]


def test_a_large_key_far_from_the_others_hides_no_spread(spark: SparkSession) -> None:
    cells = [("large", day(1), 10_000, 250), *((f"small {n}", day(1), 1_000, 20 * n) for n in range(1, 9))]
    _, strength = fitted(spark, cells, 2)[day(2)]
    assert strength < 1_000


@pytest.mark.parametrize(
    ("cells", "strength"),
    [
        ([("a", 10, 10), ("b", 10, 0)], 1.0),  # v = rate (1 - rate): strength 0, clipped
        ([("a", 1, 1), ("b", 1, 0)], 10_000.0),  # no pair of sends: undefined
        ([("a", 5, 0), ("b", 7, 0)], 10_000.0),  # no click: v = 0
        ([("a", 100, 50), ("b", 100, 50)], 10_000.0),  # v below 0
    ],
)
def test_strength_is_clipped(spark: SparkSession, cells: list[tuple[Any, ...]], strength: float) -> None:
    rows = [(user, day(1), sends, clicks) for user, sends, clicks in cells]
    assert fitted(spark, rows, 2)[day(2)][1] == strength
