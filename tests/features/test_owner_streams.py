"""What several blocks ask of the same rows is asked at once."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from features.owner_streams import Question, over_owners, read_once
from tests.features.owner_batches import SCHEMA, answers_to

users = st.sampled_from("abcde")
days = st.integers(0, 6).map(lambda number: date(1970, 1, 1) + timedelta(days=number))
LATER = date(1970, 1, 5)


def counted(name: str, days: int | None = None) -> Question:
    return Question(lambda known: {name: known.total(known.rows.column("n").to_numpy())}, {name: "bigint"}, days)


def test_questions_to_the_same_days_of_the_same_rows_are_put_together(spark: SparkSession) -> None:
    rows, alike = (spark.sql("SELECT 'u' AS user_id, DATE '2026-03-01' AS known, 4L AS n") for _ in range(2))
    told = [(rows, counted("one")), (alike, counted("other")), (rows, counted("recent", 7)), (rows, counted("two"))]
    together = read_once(told)
    assert [frame is rows for frame, _ in together] == [True, False, True]
    assert [[*question.columns] for _, question in together] == [["one", "two"], ["other"], ["recent"]]

    keys = spark.sql("SELECT 'u' AS user_id, explode(array(DATE '2026-03-02', DATE '2026-03-20')) AS as_of")
    found = over_owners(keys, told).orderBy("as_of").select("one", "two", "other", "recent").collect()
    assert [tuple(row) for row in found] == [(4, 4, 4, 4), (4, 4, 4, None)]


@settings(max_examples=200, deadline=None)
@given(
    asked=st.sets(st.tuples(users, days.filter(lambda day: day != LATER)), max_size=10),
    held=st.lists(st.tuples(users, days)),
)
def test_everybody_asks_as_each_owner_would(asked: set[tuple[str, date]], held: list[tuple[str, date]]) -> None:
    def found(requests: set[tuple[str, date]], everybody: dict[str, date] | None) -> list[dict[str, object]]:
        rows = [{"user_id": user, "as_of": as_of} for user, as_of in requests]
        rows += [{"user_id": user, "row_0": {"known": day, "n": 1}} for user, day in held]
        return sorted(answers_to(counted("n"), rows, SCHEMA, 7, everybody=everybody), key=repr)

    assert found(asked, {"as_of": LATER}) == found(asked | {(user, LATER) for user, _ in held}, None)
