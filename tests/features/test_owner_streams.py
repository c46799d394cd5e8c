"""What several blocks ask of the same rows is asked at once."""

from __future__ import annotations

from pyspark.sql import SparkSession

from features.owner_streams import Question, over_owners, read_once


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
