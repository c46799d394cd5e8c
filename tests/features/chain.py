"""From raw rows to feature rows on Spark, the way the jobs do it, for a log that fits in a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.attribution import with_first_click, with_send
from features.bots import BotRules, with_impossible
from features.campaign import categories_by_day
from features.catalogue import keys_of
from features.contract import TABLES
from features.duplicates import with_duplicate
from features.feature import History
from features.outcomes import push_outcomes
from features.partials import app_partials, of_shared, push_partials
from features.requests import training_requests
from features.rows import feature_rows, read_histories, read_priors, request_keys
from features.time_rules import TimeRules, known_day
from features.user_app_kinds import KIND

Row = dict[str, Any]

DEDUP_DAYS = 1_000
"""Longer than any test's log: how far back duplicates and sends of clicks are sought."""

ALL_TABLES = (*TABLES, f"{KIND}view")
NO_BOTS = BotRules()


def contract_frame(
    spark: SparkSession, table: str, rows: Sequence[Row], rules: TimeRules | None = None, *, more: str = ""
) -> DataFrame:
    """Make a contract table; columns that a row does not give are null.

    Parameters
    ----------
    spark : SparkSession
        The session.
    table : str
        Name in the contract.
    rows : sequence of dict
        Times are aware datetimes.
    rules : TimeRules, optional
        Adds ``ds``, the day a row becomes known; without them ``ds`` is left out, or comes with ``more``.
    more : str
        Further columns of the rows, as a Spark schema.
    """
    contract = TABLES[table]
    schema = ", ".join([*(f"{column.name} {column.type}" for column in contract.columns), *filter(None, [more])])
    names = [field.split()[0] for field in schema.split(", ")]
    frame = spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], schema)
    if rules is None:
        return frame
    return frame.withColumn("ds", known_day(F.col(contract.event_time), F.col(contract.known_time), rules))


def accepted(
    spark: SparkSession,
    log: Mapping[str, Sequence[Row]],
    rules: TimeRules,
    bots: BotRules = NO_BOTS,
    *,
    more: str = "",
) -> dict[str, DataFrame]:
    """Give each table's rows with ``ds``, without duplicates; clicks have their send's columns and are marked."""
    frames = {}
    for table, rows in log.items():
        marked = with_duplicate(
            contract_frame(spark, table, rows, rules, more=more),
            key=TABLES[table].key,
            known_time=TABLES[table].known_time,
            within_days=DEDUP_DAYS,
        )
        frames[table] = marked.where("NOT is_duplicate").drop("is_duplicate").localCheckpoint()
    joined = with_send(frames["clicks"], frames["sends"], wait_days=max(1, rules.maturity_days), within_days=DEDUP_DAYS)
    return {**frames, "clicks": with_first_click(with_impossible(joined.where("reason IS NULL"), bots))}


def history_of(frames: Mapping[str, DataFrame], rules: TimeRules) -> History:
    """Give the history of accepted rows."""
    sends, clicks, campaigns = frames["sends"], frames["clicks"], frames.get("campaigns")
    categories = None if campaigns is None else categories_by_day(sends, clicks, campaigns)
    pushes = push_partials(sends, clicks, categories, frames.get("devices"))
    more = {table: frames.get(table) for table in ("users", "devices", "campaigns", "opt_outs")}
    if "app_events" in frames:
        more["app_events"] = app_partials(frames["app_events"], frames.get("users"))
    return History(
        pushes=pushes.localCheckpoint(),
        outcomes=push_outcomes(sends, clicks, categories, rules, users=frames.get("users")).localCheckpoint(),
        **more,
    )


def rows_for(requests: DataFrame, history: History, tables: Sequence[str] = ALL_TABLES) -> DataFrame:
    """Give the feature rows of requests, with shared pushes added up once as build_features does."""
    history = replace(history, shared_pushes=of_shared(history.pushes))
    keys = request_keys(requests, history, keys_of(tables))
    priors = read_priors(requests.select("as_of").distinct(), history, tables)
    return feature_rows(requests, read_histories(keys, history, tables), priors, tables)


def past_requests(frames: Mapping[str, DataFrame], rules: TimeRules) -> DataFrame:
    """Give the requests that the log's own sends make."""
    return training_requests(frames["sends"], rules).drop("ds")


def request_frame(spark: SparkSession, requests: Sequence[Row]) -> DataFrame:
    """Give requests of one's own."""
    schema = "send_id string, user_id string, device_id string, campaign_id string, send_at timestamp, as_of date"
    names = [field.split()[0] for field in schema.split(", ")]
    return spark.createDataFrame([tuple(row[name] for name in names) for row in requests], schema)
