"""Which clicks an embedding may learn from: none that the validation part could miss."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.bots import BotRules
from features.splits import split_days
from features.time_rules import TimeRules
from jobs.click_counts import check_clicks, click_counts, window_before
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.log_note import LogNote

SPLIT = split_days(date(2026, 1, 20), TimeRules(), train_days=4, validation_days=3, holdout_days=3)
NOTE = LogNote("m", TimeRules(), ("sends", "clicks"), BotRules(max_clicks_a_minute=9))


class InMemory(Lake):
    """A lake of frames, read by day."""

    def __init__(self, frames: dict[str, DataFrame]) -> None:
        self.frames = frames

    def read(self, table: str, *, since: date | None = None, until: date | None = None) -> DataFrame:
        assert until is not None
        return self.frames[table].where(F.col("ds").between(since or SPLIT.train[0], until))


def test_only_mature_sends_of_the_training_part_count(spark: SparkSession) -> None:
    """The training part is 5 to 8 January; the validation part begins on the 11th."""
    assert (SPLIT.train, SPLIT.cut) == ((date(2026, 1, 5), date(2026, 1, 8)), date(2026, 1, 11))
    sends = [
        ("a", "u1", 5),  # clicked
        ("b", "u1", 5),  # not clicked, the same request as the one before
        ("c", "u1", 8),  # its click is known too late to count
        ("d", "u2", 4),  # before the training part
        ("e", "u2", 9),  # in the gap after it, although clicked
        ("f", "u3", 12),  # in the validation part
        ("g", "u4", 6),  # dismissed
        ("h", "bot", 7),  # flagged by then
    ]
    requests = [
        (send, user, "d", "c", datetime(2026, 1, day, 9), date(2026, 1, day), date(2026, 1, day))
        for send, user, day in sends
    ]
    clicks = [
        ("a", datetime(2026, 1, 5, 10), "open", datetime(2026, 1, 5, 11), date(2026, 1, 5)),
        ("c", datetime(2026, 1, 8, 10), "open", datetime(2026, 1, 11, 8), date(2026, 1, 11)),
        ("e", datetime(2026, 1, 9, 10), "open", datetime(2026, 1, 9, 11), date(2026, 1, 9)),
        ("f", datetime(2026, 1, 12, 10), "open", datetime(2026, 1, 12, 11), date(2026, 1, 12)),
        ("g", datetime(2026, 1, 6, 10), "dismiss", datetime(2026, 1, 6, 11), date(2026, 1, 6)),
        ("h", datetime(2026, 1, 7, 10), "open", datetime(2026, 1, 7, 11), date(2026, 1, 7)),
    ]
    tables = {
        "requests": (requests, "send_id string, user_id string, device_id string, campaign_id string, "
                     "send_at timestamp, as_of date, ds date"),
        "clicks": ([(*click[:4], datetime(2026, 1, 1), False, click[4]) for click in clicks],
                   "send_id string, clicked_at timestamp, action string, ingested_at timestamp, sent_at timestamp, "
                   "is_impossible boolean, ds date"),
        "bot_flags": ([("bot", "max_clicks_a_minute", date(2026, 1, 6))], "user_id string, rule string, ds date"),
    }  # fmt: skip
    lake = InMemory({name: spark.createDataFrame(rows, schema) for name, (rows, schema) in tables.items()})

    counts = click_counts(lake, NOTE, SPLIT)

    assert sorted((row.user_id, row.as_of.day, row.clicks, row.sends) for row in counts.collect()) == [
        ("u1", 5, 1, 2),
        ("u1", 8, 0, 1),
        ("u4", 6, 0, 1),
    ]


def test_the_window_ends_where_the_training_part_begins() -> None:
    before = window_before(SPLIT)

    assert before.train == (date(2026, 1, 1), date(2026, 1, 4))
    assert before.cut == SPLIT.train[0]


def test_a_window_without_clicks_or_sends_is_bad_input(spark: SparkSession) -> None:
    columns = "user_id string, as_of date, clicks long, sends long"
    empty, unclicked = (spark.createDataFrame(rows, columns) for rows in ([], [("u", None, 0, 3)]))
    for counts, n in ((None, 0), (empty, 0), (unclicked, 3)):
        with pytest.raises(BadInput, match=rf"before the training part \(2026-01-05\), got {n} with 0 clicked; a sm"):
            check_clicks(counts, window_before(SPLIT))
