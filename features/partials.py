"""Daily partials: what became known on a day, counted per key and event day; integers only.

``ds`` is the day the rows became known, ``event_day`` the day they happened. A feature as of midnight T sums the cells
with ``ds < T`` and ``event_day`` within its window, so both clocks hold by construction.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.change_logs import states, with_state_then
from features.contract import DISMISS
from features.feature import SHARED
from features.local_time import hour_of_week, with_zone_then
from features.user_rows import APP_COUNTS, APP_LAST, PUSH_COUNTS, PUSHED_LAST
from features.windows import added_up

KINDS = ("model", "os_version", "platform")
"""Columns of push partials that say what kind of device a push went to."""

PUSH_KEY = ("user_id", "device_id", "campaign_id", "category", *KINDS, "event_day")


def epoch_ms(time: Column) -> Column:
    """Milliseconds since 1970-01-01 UTC, as a whole number."""
    return F.unix_millis(time)


def push_partials(
    sends: DataFrame, clicks: DataFrame, categories: DataFrame | None, devices: DataFrame | None
) -> DataFrame:
    """Count sends, clicks and dismissals per user, device, campaign and event day.

    Parameters
    ----------
    sends, clicks : DataFrame
        Accepted rows with ``ds``; clicks with ``send_ds``. Only a send's first click counts, on the day it was clicked,
        and for what campaign and device were known to be when the send became known.
    categories : DataFrame, optional
        ``campaign_id, ds, category``: the category as known at the end of ``ds``.
    devices : DataFrame, optional
        The change log with ``ds``, for ``KINDS``.

    Returns
    -------
    DataFrame
        ``PUSH_KEY``, ``ds``, ``sends, clicks, dismissals`` (long), ``last_sent_ms, last_clicked_ms`` (long, null when
        there is none in the cell).
    """
    sent = sends.select(
        *_pushed("sent_at"), F.col("ds").alias("send_ds"),
        F.lit(1).alias("sends"), F.lit(0).alias("clicks"), F.lit(0).alias("dismissals"),
        epoch_ms(F.col("sent_at")).alias("last_sent_ms"), F.lit(None).cast("long").alias("last_clicked_ms"),
    )  # fmt: skip
    clicked = clicks.select(
        *_pushed("clicked_at"), "send_ds",
        F.lit(0).alias("sends"), F.col("is_first_click").cast("int").alias("clicks"),
        (F.col("action") == DISMISS).cast("int").alias("dismissals"), F.lit(None).cast("long").alias("last_sent_ms"),
        F.when(F.col("is_first_click"), epoch_ms(F.col("clicked_at"))).alias("last_clicked_ms"),
    )  # fmt: skip
    rows = with_category_then(sent.unionByName(clicked), categories, day="send_ds")
    rows = rows.withColumn("_owner", F.coalesce("device_id", "user_id"))
    if devices is not None:
        by_owner, known = rows.repartition("_owner"), states(devices, key="device_id", columns=KINDS)
        rows = with_state_then(by_owner, known, key="device_id", day="send_ds", parted_by="_owner")
    absent = {name: F.lit(None).cast("string") for name in PUSH_KEY if name not in rows.columns}
    rows = rows.withColumns(absent) if absent else rows
    return rows.groupBy(*PUSH_KEY, "ds", "_owner").agg(*added_up(PUSH_COUNTS, PUSHED_LAST)).drop("_owner")


def of_shared(pushes: DataFrame) -> DataFrame:
    """Add up push partials over users and devices: a row for what else tells them apart, but for the category."""
    return pushes.groupBy(*SHARED, "event_day", "ds").agg(*added_up(PUSH_COUNTS, PUSHED_LAST))


def with_category_then(rows: DataFrame, categories: DataFrame | None, *, day: str = "ds") -> DataFrame:
    """Add ``category`` as known at the end of a day, from ``campaign_id, ds, category``; null where there is none."""
    if categories is None:
        return rows.withColumn("category", F.lit(None).cast("string"))
    return rows.join(F.broadcast(categories.withColumnRenamed("ds", day)), ["campaign_id", day], how="left")


def days_of_sends(sends: DataFrame, clicks: DataFrame) -> list[DataFrame]:
    """Give the sends, and the clicks with the day that their send became known as ``ds``."""
    return [sends, clicks.withColumn("ds", F.col("send_ds"))]


def _pushed(time: str) -> list[Column]:
    return [*map(F.col, ("user_id", "device_id", "campaign_id", "ds")), F.to_date(time).alias("event_day")]


def app_partials(app_events: DataFrame, users: DataFrame | None) -> DataFrame:
    """Count app events per user, kind and hour.

    Parameters
    ----------
    app_events : DataFrame
        Accepted rows with ``ds``.
    users : DataFrame, optional
        The change log with ``ds``, for time zones.

    Returns
    -------
    DataFrame
        ``user_id, event_name, event_day, hour`` (0 to 23, UTC), ``ds``, ``APP_COUNTS`` (long, events without duration
        count 0 ms), ``APP_LAST`` (long), ``hour_of_week`` (of the hour's beginning, see
        ``features.local_time.hour_of_week``).
    """
    began = F.date_trunc("hour", "occurred_at").alias("_began")
    by_user = app_events.repartition("user_id")  # once for cells and zones
    cells = by_user.groupBy("user_id", "event_name", began, "ds").agg(
        F.count("*").alias("events"),
        F.sum(F.coalesce(F.round(F.col("duration_s") * 1000).cast("long"), F.lit(0))).alias("duration_ms"),
        F.max(epoch_ms(F.col("occurred_at"))).alias("last_event_ms"),
    )
    return with_zone_then(cells, users).select(
        "user_id", "event_name", F.to_date("_began").alias("event_day"), F.hour("_began").alias("hour"), "ds",
        *APP_COUNTS, *APP_LAST, hour_of_week(F.col("_began")).alias("hour_of_week"),
    )  # fmt: skip
