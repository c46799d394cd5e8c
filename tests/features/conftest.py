"""One log through the whole chain, computed once for the tests that ask whether something else would change it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from features.feature import History
from features.time_rules import TimeRules
from tests.features.chain import accepted, history_of, past_requests, request_frame, rows_for
from tests.features.comparison import collected
from tests.features.logs import CAMPAIGNS, DAY, ENDED, MIDNIGHT, USERS, Log, LogMaker
from tests.features.oracle import HAPPENED

Row = dict[str, Any]
LAG = timedelta(hours=3)
PARTITIONS = "spark.sql.shuffle.partitions"


@dataclass(frozen=True)
class World:
    """A log with much that happens or becomes known too late for ``MIDNIGHT``; its rows, made in one partition."""

    rules: TimeRules
    log: Log
    asked: list[Row]
    """Requests as of ``MIDNIGHT``; the log's own sends are requests too."""
    requests: DataFrame
    history: History
    rows: dict[str, Row]
    """Feature rows by ``send_id``."""


@contextmanager
def partitions(spark: SparkSession, number: int) -> Iterator[None]:
    """Shuffle into so many partitions for a while."""
    before = spark.conf.get(PARTITIONS)
    spark.conf.set(PARTITIONS, number)
    yield
    spark.conf.set(PARTITIONS, before)


@pytest.fixture
def one_partition(spark: SparkSession) -> Iterator[None]:
    """Shuffle into one partition, which is quickest; that the number changes nothing is a test of its own."""
    with partitions(spark, 1):
        yield


@pytest.fixture(scope="session")
def world(spark: SparkSession) -> World:
    rules = TimeRules(ready_lag_s=int(LAG.total_seconds()))
    maker = LogMaker(Random(5), LAG)
    log = with_future_rows(maker.log())
    asked = asked_at(MIDNIGHT, LAG)
    with partitions(spark, 1):
        frames = accepted(spark, log, rules)
        history = history_of(frames, rules)
        requests = past_requests(frames, rules).unionByName(request_frame(spark, asked)).localCheckpoint()
        rows = collected(rows_for(requests, history))
    return World(rules=rules, log=log, asked=asked, requests=requests, history=history, rows=rows)


def asked_at(midnight: datetime, lag: timedelta) -> list[Row]:
    """Give requests of every user and campaign that a midnight serves first."""
    return [
        {"send_id": f"{user} {campaign}", "user_id": user, "device_id": device, "campaign_id": campaign,
         "send_at": midnight + lag, "as_of": midnight.date()}
        for user, device in zip(USERS, ("d0", "d1", "shared", None, "shared", "unknown"), strict=True)
        for campaign in CAMPAIGNS
    ]  # fmt: skip


def is_known(table: str, row: Row, midnight: datetime = MIDNIGHT, lag: timedelta = LAG) -> bool:
    """Say whether features as of a midnight may use a row."""
    return row[HAPPENED[table]] < midnight and row["ingested_at"] < midnight + lag


def with_future_rows(log: Log, midnight: datetime = MIDNIGHT, lag: timedelta = LAG) -> Log:
    """Add twins of each known row that are a hair too late: dated at midnight, or ingested when it is ready.

    Sends and clicks of a campaign that has ended have none.
    """

    def twins(table: str, row: Row) -> list[Row]:
        new_name = {name: f"{row[name]} again" for name in ("send_id", "event_id") if name in row and table != "clicks"}
        at_midnight = {HAPPENED[table]: midnight, "ingested_at": midnight}
        known_when_ready = {HAPPENED[table]: midnight - DAY / 2, "ingested_at": midnight + lag}
        return [{**row, **{k: f"{v} {n}" for k, v in new_name.items()}, **when}
                for n, when in enumerate((at_midnight, known_when_ready))]  # fmt: skip

    ended = {send["send_id"] for send in log["sends"] if send["campaign_id"] == ENDED}
    return {
        table: rows
        + [
            twin
            for row in rows
            if is_known(table, row, midnight, lag) and row.get("send_id") not in ended
            for twin in twins(table, row)
        ]
        for table, rows in log.items()
    }
