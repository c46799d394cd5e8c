"""What a user did, as counts of tokens, known at a midnight."""

from __future__ import annotations

from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from features.behaviour import behaviour_cells, behaviour_rows, in_words, known_cells, vocabulary
from features.feature import History


def day(number: int) -> date:
    return date(2026, 3, number)


def history(spark: SparkSession) -> History:
    pushes = [
        ("u", "c1", "news", day(8), day(8), 3, 1),
        ("u", "c1", "news", day(8), day(9), 2, 0),  # the same day, known later
        ("u", "c2", None, day(9), day(9), 1, 0),  # no category: the campaign itself
        ("u", "c1", "news", day(9), day(10), 7, 7),  # known too late for the 10th
        ("v", "c1", "news", day(9), day(9), 1, 0),
    ]
    app_events = [("u", "view", day(7), day(7), 4), ("w", "view", day(10), day(10), 1)]
    cell = "event_day date, ds date"
    return History(
        pushes=spark.createDataFrame(
            pushes, f"user_id string, campaign_id string, category string, {cell}, sends long, clicks long"
        ),
        app_events=spark.createDataFrame(app_events, f"user_id string, event_name string, {cell}, events long"),
    )


def keys(spark: SparkSession, *rows: tuple[str, date]) -> DataFrame:
    return spark.createDataFrame(rows, "user_id string, as_of date")


def test_tokens_known_at_a_midnight(spark: SparkSession) -> None:
    asked = keys(spark, ("u", day(10)), ("u", day(9)), ("w", day(10)))
    found = known_cells(asked, behaviour_cells(history(spark))).collect()
    assert sorted(tuple(row) for row in found) == [
        ("u", day(9), "clicked:news", 1),
        ("u", day(9), "event:view", 4),
        ("u", day(9), "sent:news", 3),
        ("u", day(10), "clicked:news", 1),
        ("u", day(10), "event:view", 4),
        ("u", day(10), "sent:c2", 1),
        ("u", day(10), "sent:news", 2),
        ("u", day(10), "sent:news", 3),
    ]


def test_both_clocks_hold_whatever_the_cells_say(spark: SparkSession) -> None:
    cells = spark.createDataFrame(
        [("u", "known, not yet happened", day(10), day(9), 1)],
        "user_id string, token string, event_day date, ds date, count long",
    )
    assert known_cells(keys(spark, ("u", day(10))), cells).isEmpty()


def test_vocabulary_takes_what_most_users_have(spark: SparkSession) -> None:
    users: dict[str, list[str]] = {
        "all have it": ["u", "v", "w"],
        "b of two": ["u", "v"],
        "a of two": ["v", "w"],  # ties go by name
        "of one, twice": ["u", "u"],
        "one too many": ["v", "w"],
    }
    known = spark.createDataFrame(
        [(user, token) for token, names in users.items() for user in names], "user_id string, token string"
    )
    chosen = vocabulary(known, max_tokens=3, min_users=2).collect()
    assert {row["token"]: row["token_id"] for row in chosen} == {"all have it": 0, "a of two": 1, "b of two": 2}
    assert vocabulary(known, max_tokens=9, min_users=1).count() == 5


def test_rows_are_sparse_sums(spark: SparkSession) -> None:
    tokens = spark.createDataFrame(
        [("sent:news", 1), ("clicked:news", 0), ("event:view", 2)], "token string, token_id int"
    )
    asked = keys(spark, ("u", day(10)), ("u", day(8)), ("v", day(9)), ("nobody", day(10)))
    found = behaviour_rows(asked, behaviour_cells(history(spark)), tokens)
    rows: dict[Any, Any] = {
        (row["user_id"], row["as_of"]): (row["token_ids"], row["counts"]) for row in found.collect()
    }
    assert rows == {
        ("u", day(10)): ([0, 1, 2], [1, 5, 4]),  # sent:c2 is not in the vocabulary
        ("u", day(8)): ([2], [4]),
        # v and nobody have no known token: no row
    }
    assert dict(found.dtypes) == {
        "user_id": "string", "as_of": "date", "token_ids": "array<int>", "counts": "array<bigint>",
    }  # fmt: skip


def test_every_token_has_words(spark: SparkSession) -> None:
    words = {in_words(row["token"]) for row in behaviour_cells(history(spark)).collect()}
    assert words == {"view events", "pushes on news", "clicks on news", "pushes on c2"}
