"""The simulated log as tables: those of the data contract, and the truth, which is no part of it."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulation.app_events import app_event_rows
from jobs.simulation.campaigns import campaign_rows, plan_rows
from jobs.simulation.clicks import send_outcomes
from jobs.simulation.devices import device_rows
from jobs.simulation.noise import unless_missing, with_duplicates, with_ingestion
from jobs.simulation.parameters import Parameters
from jobs.simulation.sends import draw_sends
from jobs.simulation.users import latent_users, opt_out_rows, user_rows

ROWS_PER_PARTITION = 500_000


def simulated_tables(
    spark: SparkSession, p: Parameters, *, partitions: int | None = None
) -> Iterator[tuple[str, DataFrame]]:
    """Give each table's name and rows.

    What several tables share is kept (in memory, or on disk where that is too small) until the session's cache is
    cleared.
    ``partitions`` is how many tasks share the work, by default as the size needs; the rows are the same for any number.
    """
    users = latent_users(spark, p, partitions=partitions or _partitions(spark, p)).persist()
    drawn = send_outcomes(draw_sends(users, p), p).persist()
    yield "sends", _sends(drawn, p)
    yield "clicks", _clicks(drawn, p)
    yield "true_click_probability", drawn.select("send_id", "p_true")
    yield "app_events", _app_events(app_event_rows(users, p), p)
    yield "devices", _devices(device_rows(users, p), p)
    yield "users", _users(user_rows(users, p), p)
    yield "opt_outs", _opt_outs(opt_out_rows(users), p)
    yield "campaigns", _campaigns(campaign_rows(spark, p), p)
    yield "plans", plan_rows(spark, p)
    yield "true_interests", users.select("user_id", "interests")
    yield "true_bots", users.where("bot").select("user_id")


def _partitions(spark: SparkSession, p: Parameters) -> int:
    return max(spark.sparkContext.defaultParallelism, (p.sends + p.users * p.days) // ROWS_PER_PARTITION)


def _sends(drawn: DataFrame, p: Parameters) -> DataFrame:
    rows = with_ingestion(drawn, p, table="sends", key="send_id", event="sent_ms", late_share=p.late_send_share)
    return with_duplicates(rows, p, table="sends", key="send_id").select(
        "send_id",
        "user_id",
        unless_missing("device_id", p, table="sends", key="send_id", share=p.missing_device_share),
        "campaign_id",
        _instant("sent_ms", "sent_at"),
        _instant("delivered_ms", "delivered_at"),
        F.lit(None).cast("double").alias("score"),
        F.lit(None).cast("string").alias("model_version"),
        "hold_back",
        _instant("ingested_ms", "ingested_at"),
    )


def _clicks(drawn: DataFrame, p: Parameters) -> DataFrame:
    acted = drawn.where("action IS NOT NULL")
    rows = with_ingestion(acted, p, table="clicks", key="send_id", event="acted_ms", late_share=p.late_share)
    return with_duplicates(rows, p, table="clicks", key="send_id").select(
        "send_id", _instant("acted_ms", "clicked_at"), "action", _instant("ingested_ms", "ingested_at")
    )


def _app_events(events: DataFrame, p: Parameters) -> DataFrame:
    rows = with_ingestion(events, p, table="events", key="event_id", event="occurred_ms", late_share=p.late_share)
    return with_duplicates(rows, p, table="events", key="event_id").select(
        "event_id",
        "user_id",
        unless_missing("device_id", p, table="events", key="event_id", share=p.missing_device_share),
        "event_name",
        _instant("occurred_ms", "occurred_at"),
        "duration_s",
        _instant("ingested_ms", "ingested_at"),
    )


def _devices(changes: DataFrame, p: Parameters) -> DataFrame:
    return with_ingestion(changes, p, table="devices", key="device_id", event="updated_ms").select(
        "device_id",
        _instant("updated_ms", "updated_at"),
        "user_id",
        "platform",
        "os_version",
        "model",
        "brand",
        "network",
        "push_enabled",
        _instant("ingested_ms", "ingested_at"),
    )


def _users(changes: DataFrame, p: Parameters) -> DataFrame:
    return with_ingestion(changes, p, table="users", key="user_id", event="updated_ms").select(
        "user_id",
        _instant("updated_ms", "updated_at"),
        _instant("signed_up_ms", "signed_up_at"),
        "country",
        "language",
        "timezone",
        _instant("ingested_ms", "ingested_at"),
    )


def _opt_outs(leaving: DataFrame, p: Parameters) -> DataFrame:
    return with_ingestion(leaving, p, table="opt_outs", key="user_id", event="occurred_ms").select(
        "user_id",
        _instant("occurred_ms", "occurred_at"),
        "kind",
        "device_id",
        _instant("ingested_ms", "ingested_at"),
    )


def _campaigns(changes: DataFrame, p: Parameters) -> DataFrame:
    return with_ingestion(changes, p, table="campaigns", key="campaign_id", event="updated_ms").select(
        "campaign_id",
        _instant("updated_ms", "updated_at"),
        "category",
        "title_length",
        "has_image",
        _instant("ingested_ms", "ingested_at"),
    )


def _instant(milliseconds: str, name: str) -> Column:
    return F.timestamp_millis(F.col(milliseconds)).alias(name)
