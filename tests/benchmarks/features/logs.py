"""A log of any length with the same volume every day, written as ingest would have left it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from features.bots import BotRules
from features.time_rules import TimeRules
from jobs.ingest_counts import COUNTS
from jobs.lake import Lake
from jobs.log_note import LogNote, write_note

TABLES = ("app_events", "campaigns", "clicks", "devices", "sends", "users")
CAMPAIGN_DAYS, CAMPAIGNS_AT_ONCE, CATEGORIES, KINDS = 14, 20, 12, 8
CLICK_SHARE, LATE_SHARE, LATE_DAYS = 0.04, 0.02, 5
DAY_S = 86_400


@dataclass(frozen=True)
class LogSize:
    """How long, and how much a day: a user has a device, and two app events for each send."""

    days: int
    sends_a_day: int
    users: int

    @property
    def sends(self) -> int:
        return self.days * self.sends_a_day

    @property
    def waves(self) -> int:
        """How many times new campaigns begin; the last ones end with the log, whatever its length."""
        return -(-self.days // CAMPAIGN_DAYS)


def write_log(spark: SparkSession, root: str, size: LogSize, ds: date) -> Lake:
    """Write the contract tables of the days up to ``ds``, the counts of ingest and its note of ``ds``."""
    lake = Lake(spark, root)
    days = [ds - timedelta(days=number) for number in range(size.days - 1, -1, -1)]
    sends = _sends(spark, size, days[0])
    frames = {
        "sends": sends,
        "clicks": _clicks(sends),
        "app_events": _app_events(spark, size, days[0]),
        **_change_logs(spark, size, days[0]),
    }
    for table, rows in frames.items():
        known = F.to_date(F.greatest(rows[_event_time(table)], "ingested_at"))
        lake.write(table, rows.withColumn("ds", known).where(F.col("ds") <= F.lit(ds)), days)
    lake.write(COUNTS, spark.createDataFrame([], "n int, ds date"), days)
    for day in (ds - timedelta(days=1), ds):
        write_note(lake, day, LogNote("benchmark", TimeRules(), TABLES, BotRules()))
    return lake


def _event_time(table: str) -> str:
    return {"sends": "sent_at", "clicks": "clicked_at", "app_events": "occurred_at"}.get(table, "updated_at")


def _share(name: str, identity: str = "id") -> Column:
    """Draw from [0, 1) by the hash of an id and a name."""
    return F.pmod(F.xxhash64(F.col(identity), F.lit(name)), F.lit(1 << 30)) / F.lit(float(1 << 30))


def _below(name: str, limit: int, identity: str = "id") -> Column:
    return F.floor(_share(name, identity) * limit)


def _known(happened: Column, name: str, identity: str = "id") -> Column:
    """Most rows are known at once, some days later."""
    late_s = F.floor(_share(f"{name} lateness", identity) * LATE_DAYS * DAY_S)
    is_late = _share(f"{name} is late", identity) < LATE_SHARE
    return F.timestamp_seconds(F.unix_seconds(happened) + F.when(is_late, late_s).otherwise(0))


def _rows_of_days(spark: SparkSession, size: LogSize, each: int, first: date) -> DataFrame:
    """Number rows through the days: ``id``, ``day`` (0, 1, ...), ``at``; some users have far more than others."""
    rows = spark.range(size.days * each).withColumn("day", F.floor(F.col("id") / each))
    second = F.unix_seconds(F.lit(first).cast("timestamp")) + F.col("day") * DAY_S + _below("second", DAY_S)
    user = F.floor(F.pow(_share("user"), 2.0) * size.users)
    return rows.select("*", F.timestamp_seconds(second).alias("at"), user.alias("user"))


def _sends(spark: SparkSession, size: LogSize, first: date) -> DataFrame:
    rows = _rows_of_days(spark, size, size.sends_a_day, first)
    wave = (size.waves - 1 - F.floor((size.days - 1 - F.col("day")) / CAMPAIGN_DAYS)) * CAMPAIGNS_AT_ONCE
    return rows.select(
        F.concat(F.lit("s"), "id").alias("send_id"), F.concat(F.lit("u"), "user").alias("user_id"),
        F.concat(F.lit("d"), "user").alias("device_id"),
        F.concat(F.lit("c"), wave + _below("campaign", CAMPAIGNS_AT_ONCE)).alias("campaign_id"),
        F.col("at").alias("sent_at"), _known(F.col("at"), "send").alias("ingested_at"),
    )  # fmt: skip


def _clicks(sends: DataFrame) -> DataFrame:
    clicked = sends.where(_share("clicks", "send_id") < CLICK_SHARE)
    at = F.timestamp_seconds(F.unix_seconds("sent_at") + F.floor(_share("reaction", "send_id") * 3 * 3600))
    with_time = clicked.withColumn("clicked_at", at)
    known = F.greatest("ingested_at", _known(F.col("clicked_at"), "click", "send_id"))
    return with_time.select(
        "send_id", "user_id", "device_id", "campaign_id", "sent_at", "clicked_at", F.lit("open").alias("action"),
        F.lit(True).alias("is_first_click"), F.lit(False).alias("is_impossible"), known.alias("ingested_at"),
        F.to_date(F.greatest("sent_at", "ingested_at")).alias("send_ds"),
    )  # fmt: skip


def _app_events(spark: SparkSession, size: LogSize, first: date) -> DataFrame:
    rows = _rows_of_days(spark, size, 2 * size.sends_a_day, first)
    return rows.select(
        F.concat(F.lit("e"), "id").alias("event_id"), F.concat(F.lit("u"), "user").alias("user_id"),
        F.concat(F.lit("kind"), _below("kind", KINDS)).alias("event_name"), F.col("at").alias("occurred_at"),
        (_share("duration") * 300).alias("duration_s"), _known(F.col("at"), "event").alias("ingested_at"),
    )  # fmt: skip


def _change_logs(spark: SparkSession, size: LogSize, first: date) -> dict[str, DataFrame]:
    """Everybody changes once at a time of the log's first 90 days or of as many as it has, campaigns as they begin."""
    spread_s = min(size.days, 90) * DAY_S
    start = F.unix_seconds(F.lit(first).cast("timestamp"))
    changed = spark.range(size.users).withColumn("updated_at", F.timestamp_seconds(start + _below("change", spread_s)))
    day = size.days - (size.waves - F.floor(F.col("id") / CAMPAIGNS_AT_ONCE)) * CAMPAIGN_DAYS
    begun = F.timestamp_seconds(start + F.greatest(day, F.lit(0)) * DAY_S)
    campaigns = spark.range(size.waves * CAMPAIGNS_AT_ONCE).withColumn("updated_at", begun)
    clock = [F.col("updated_at"), F.col("updated_at").alias("ingested_at")]
    user_id = F.concat(F.lit("u"), "id").alias("user_id")
    return {
        "users": changed.select(
            user_id, *clock, F.col("updated_at").alias("signed_up_at"), F.lit("DE").alias("country"),
            F.lit("de").alias("language"), F.lit("Europe/Berlin").alias("timezone"),
        ),
        "devices": changed.select(
            F.concat(F.lit("d"), "id").alias("device_id"), user_id, *clock, F.lit("ios").alias("platform"),
            F.concat(F.lit("17."), _below("version", 9)).alias("os_version"), F.lit("m").alias("model"),
            F.lit("b").alias("brand"), F.lit("wifi").alias("network"), F.lit(True).alias("push_enabled"),
        ),
        "campaigns": campaigns.select(
            F.concat(F.lit("c"), "id").alias("campaign_id"), *clock,
            F.concat(F.lit("category"), F.pmod("id", F.lit(CATEGORIES))).alias("category"),
            F.lit(20).alias("title_length"), F.lit(False).alias("has_image"),
        ),
    }  # fmt: skip
