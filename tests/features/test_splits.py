"""Parts are consecutive in time, and no label of one is still open when the next begins."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.splits import PARTS, Split, split_days, with_part
from features.time_rules import DAY_S, TimeRules

TWO_DAYS = TimeRules(ready_lag_s=3 * 3600)
"""A day of attribution and a day of lateness."""


def day(number: int) -> date:
    return date(2026, 3, number)


def test_parts_are_laid_out_backwards_with_an_embargo() -> None:
    split = split_days(day(31), TWO_DAYS, train_days=5, validation_days=7, holdout_days=7)
    assert split == Split(
        train=(day(7), day(11)),  # 12 and 13 are left out
        validation=(day(14), day(20)),  # 21 and 22 are left out
        holdout=(day(23), day(29)),  # 30 and 31 are not mature when the 31st ends
        end=date(2026, 4, 1),
    )
    assert split.cut == day(14)


@pytest.mark.parametrize("maturity_s", [0, 1, DAY_S, 3 * DAY_S + 1])
def test_every_send_of_a_part_is_mature_when_the_next_begins(maturity_s: int) -> None:
    rules = TimeRules(attribution_window_s=maturity_s, lateness_allowance_s=0)
    split = split_days(day(31), rules, train_days=3, validation_days=2, holdout_days=2)
    begins = (split.validation[0], split.holdout[0], split.end)
    for part, following in zip((split.train, split.validation, split.holdout), begins, strict=True):
        last_send_is_before = part[1] + timedelta(days=1)  # an as_of serves a day of sends
        assert last_send_is_before + timedelta(days=rules.maturity_days) == following


def test_rows_of_no_part_and_immature_rows_are_left_out(spark: SparkSession) -> None:
    tight = Split(train=(day(1), day(4)), validation=(day(5), day(8)), holdout=(day(9), day(12)), end=day(13))
    rows = [
        ("2026-03-01 03:00:00", day(1), day(1), "train"),
        ("2026-03-01 02:59:59", date(2026, 2, 28), day(1), None),  # before the first part
        ("2026-03-03 02:59:59.999", day(2), day(2), "train"),  # mature one tick before validation begins: 5 March, 3:00
        ("2026-03-03 03:00:00", day(3), day(3), None),  # mature exactly then: its label could still be open
        ("2026-03-01 04:00:00", day(1), day(4), "train"),  # known late, and just before validation begins
        ("2026-03-01 05:00:00", day(1), day(5), None),  # known on validation's first day: nobody knew the send before
        ("2026-03-05 03:00:00", day(5), day(5), "validation"),
        ("2026-03-05 04:00:00", day(5), day(9), None),  # known when the hold-out has begun
        ("2026-03-08 10:00:00", day(8), day(8), None),  # in validation's days, immature when the hold-out begins
        ("2026-03-11 02:59:59.999", day(10), day(12), "holdout"),
        ("2026-03-11 03:00:00", day(11), day(11), None),  # immature at the end of what is known
        ("2026-03-20 10:00:00", day(20), day(20), None),  # the future
    ]
    frame = spark.createDataFrame(rows, "sent string, as_of date, ds date, expected string")
    found = with_part(frame.withColumn("send_at", F.col("sent").cast("timestamp")), tight, TWO_DAYS).collect()
    assert {row["sent"]: row["part"] for row in found} == {sent: part for sent, _, _, part in rows if part is not None}
    assert {row["part"] for row in found} == set(PARTS)
