"""What happens, or becomes known, too late for a midnight changes no feature as of it; labels never get in."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.catalogue import as_markdown, feature_schema, features_of
from features.time_rules import TimeRules
from tests.features.chain import ALL_TABLES, accepted, history_of, request_frame, rows_for
from tests.features.comparison import collected, differences
from tests.features.conftest import World, asked_at, is_known, with_future_rows
from tests.features.logs import DAY, MIDNIGHT, Log, LogMaker, on_random_logs
from tests.features.test_rows_against_oracle import oracle_of

Row = dict[str, Any]
PLANTED = "planted"

pytestmark = pytest.mark.usefixtures("one_partition")


@on_random_logs
@given(
    random=st.randoms(use_true_random=True),
    days_before=st.sampled_from([0, 0, 1, 7]),
    lag=st.sampled_from([timedelta(0), timedelta(hours=3)]),
)
def test_the_future_changes_nothing(spark: SparkSession, random: Random, days_before: int, lag: timedelta) -> None:
    """Adding any rows that happen or become known at or after a midnight, or its ready time, changes no feature."""
    midnight = MIDNIGHT - days_before * DAY
    rules = TimeRules(ready_lag_s=int(lag.total_seconds()))
    log, other = (LogMaker(random, lag).log() for _ in range(2))
    past = {table: [row for row in rows if is_known(table, row, midnight, lag)] for table, rows in log.items()}
    everything = {
        table: rows + renamed(table, other[table]) for table, rows in with_future_rows(log, midnight, lag).items()
    }
    future = {
        table: [row for row in rows if not is_known(table, row, midnight, lag) and random.random() < 0.8]
        for table, rows in everything.items()
    }
    assert min(map(len, future.values())) >= 8, "each table has rows that must not count"

    def rows_of(log: Log) -> dict[Any, Row]:
        history = history_of(accepted(spark, log, rules), rules)
        return collected(rows_for(request_frame(spark, asked_at(midnight, lag)), history))

    found = rows_of(
        {table: random.sample(rows + future[table], len(rows) + len(future[table])) for table, rows in past.items()}
    )
    assert differences(found, rows_of(past), tolerance=0.0) == ""


def renamed(table: str, rows: list[Row]) -> list[Row]:
    """Give sends and events other names, and half of the clicks: these are of sends that are already there."""
    names = ("send_id", "event_id") if table != "clicks" else ("send_id",)
    return [
        {**row, **{name: f"{row[name]} of another" for name in names if name in row and (table != "clicks" or n % 2)}}
        for n, row in enumerate(rows)
    ]


def test_a_column_that_is_the_label_reaches_no_feature(spark: SparkSession, world: World) -> None:
    """Each source table says of its rows whether the send, or any send of their user or campaign, was clicked."""
    log = with_planted_label(world)
    frames = accepted(spark, log, world.rules, more=f"{PLANTED} int")
    assert all(PLANTED in frame.columns for frame in frames.values())
    # Later requests know the world's twins, and of those with one key and one time the whole row's hash takes one.
    requests = world.requests.where(F.col("as_of") <= F.lit(MIDNIGHT.date()))
    rows = rows_for(requests, history_of(frames, world.rules))
    assert rows.columns == [*world.requests.columns, *(feature.name for feature in features_of(ALL_TABLES))]
    assert not {PLANTED, "label", "clicked_at", "action"} & set(rows.columns)
    assert PLANTED not in as_markdown() + repr(feature_schema(ALL_TABLES))
    expected = {name: row for name, row in world.rows.items() if row["as_of"] <= MIDNIGHT.date()}
    assert len(expected) > 100
    assert differences(collected(rows), expected, tolerance=0.0) == ""


def with_planted_label(world: World) -> Log:
    labels = oracle_of(world.log, world.rules).labels()
    assert set(labels.values()) == {0, 1}
    clicked = [row for row in world.log["sends"] if labels[row["send_id"]]]
    telling = {name: {row[name] for row in clicked} for name in ("send_id", "user_id", "campaign_id")}

    def label(row: Row) -> int:
        name = next(name for name in telling if name in row)
        return int(row[name] in telling[name])

    return {table: [{**row, PLANTED: label(row)} for row in rows] for table, rows in world.log.items()}
