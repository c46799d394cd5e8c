"""At-least-once delivery: of rows with one key, the earliest known counts."""

from __future__ import annotations

from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from features.duplicates import with_duplicate

NEW_ROWS: list[tuple[Any, ...]] = [
    ("a", date(2026, 3, 5), "05:00", "first", False),
    ("a", date(2026, 3, 5), "06:00", "an hour later", True),
    ("a", date(2026, 3, 9), "01:00", "days later", True),
    ("b", date(2026, 3, 6), "03:00", "known a day later, though the clock says earlier", True),
    ("b", date(2026, 3, 5), "04:00", "known a day earlier", False),
    ("c", date(2026, 3, 1), "01:00", "first of c", False),
    ("c", date(2026, 3, 12), "01:00", "11 days later: too far apart to be the same", False),
    ("d", date(2026, 3, 1), "01:00", "first of d", False),
    ("d", date(2026, 3, 11), "01:00", "10 days after the first", True),
    ("d", date(2026, 3, 12), "01:00", "11 days after the first, the last that was accepted", False),
    ("d", date(2026, 3, 22), "01:00", "10 days after the last that was accepted", True),
    (None, date(2026, 3, 5), "01:00", "no key", False),
    (None, date(2026, 3, 5), "02:00", "null equals null", True),
]


def new_rows(spark: SparkSession, rows: list[tuple[Any, ...]] = NEW_ROWS) -> DataFrame:
    return spark.createDataFrame(rows, "id string, ds date, known string, what string, expected boolean")


def test_the_earliest_known_wins(spark: SparkSession) -> None:
    found = with_duplicate(new_rows(spark), key=["id"], known_time="known", within_days=10).collect()
    assert len(found) == len(NEW_ROWS)
    for row in found:
        assert row["is_duplicate"] == row["expected"], row["what"]


def test_rows_accepted_on_earlier_days_win(spark: SparkSession) -> None:
    before = spark.createDataFrame(
        [("a", date(2026, 2, 27)), ("b", date(2026, 2, 20)), ("b", date(2026, 2, 21))], "id string, ds date"
    )
    marked = with_duplicate(
        new_rows(spark), key=["id"], known_time="known", within_days=10, accepted_before=before
    ).collect()
    assert len(marked) == len(NEW_ROWS)
    firsts = {row["what"] for row in marked if not row["is_duplicate"]}
    assert "first" not in firsts, "a was accepted six days before"
    assert "known a day earlier" in firsts, "b was accepted 12 days before: too far apart"
    assert "no key" in firsts


def test_the_last_accepted_row_counts_whichever_run_accepted_it(spark: SparkSession) -> None:
    days = [date(2026, 3, 1), date(2026, 4, 6), date(2026, 4, 7), date(2026, 5, 11), date(2026, 5, 12)]
    rows = new_rows(spark, [("a", day, "01:00", "", False) for day in days])
    kept = {"key": ["id"], "known_time": "known", "within_days": 35}
    at_once = with_duplicate(rows, **kept).where("NOT is_duplicate")
    assert sorted(row["ds"] for row in at_once.collect()) == [days[0], days[1], days[4]]
    accepted: list[date] = []
    for day in days:
        before = spark.createDataFrame([("a", of) for of in accepted], "id string, ds date")
        new = with_duplicate(rows.where(rows["ds"] == day), accepted_before=before, **kept)
        accepted += [row["ds"] for row in new.where("NOT is_duplicate").collect()]
    assert accepted == [days[0], days[1], days[4]]


def test_ties_do_not_depend_on_the_order_of_rows(spark: SparkSession) -> None:
    ties = [("a", date(2026, 3, 5), "05:00", what, False) for what in ("x", "y", "z")]

    def kept(rows: list[tuple[Any, ...]]) -> list[str]:
        marked = with_duplicate(new_rows(spark, rows), key=["id"], known_time="known", within_days=10)
        return [row["what"] for row in marked.where("NOT is_duplicate").collect()]

    assert kept(ties) == kept(ties[::-1])
    assert len(kept(ties)) == 1
