"""Who is asked about, and for when."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.feature import History
from features.last_devices import with_last_device
from features.requests import active_campaigns, audience, planned_sends, with_send_at
from features.time_rules import TimeRules, as_of_day
from tests.features.chain import contract_frame

AS_OF = date(2026, 3, 10)
YESTERDAY, TODAY = date(2026, 3, 9), date(2026, 3, 10)
"""Days on which rows become known: the midnight of ``AS_OF`` ends yesterday, so it knows nothing of today."""

LAG = TimeRules(ready_lag_s=3 * 3600)


def pushes(spark: SparkSession, rows: list[tuple[Any, ...]]) -> DataFrame:
    names = "user_id string, device_id string, campaign_id string"
    return spark.createDataFrame(rows, f"{names}, event_day date, ds date, sends long, last_sent_ms long")


def pushed(user: str, ds: date, device: str | None = None, at: int = 0) -> tuple[Any, ...]:
    return (user, device, "c", ds, ds, 1, at)


def changed(user: str, device: str, hour: int, push_enabled: bool | None, ds: date = YESTERDAY) -> dict[str, Any]:
    at = datetime(ds.year, ds.month, ds.day, hour, tzinfo=UTC)
    state = {"device_id": device, "user_id": user, "push_enabled": push_enabled}
    return {**state, "updated_at": at, "ingested_at": at, "ds": ds}


def left(user: str, kind: str, ds: date = YESTERDAY) -> dict[str, Any]:
    at = datetime(ds.year, ds.month, ds.day, 9, tzinfo=UTC)
    return {"user_id": user, "kind": kind, "occurred_at": at, "ingested_at": at, "ds": ds}


def test_audience(spark: SparkSession) -> None:
    expected = {
        "sent to": (None, None),
        "in the app": (None, None),
        "signed up": (None, None),
        "owns a device": ("d1", None),
        "bought another": ("d3", None),  # the one that changed last
        "opted out": (None, "opt_out"),
        "opts out today": (None, None),  # not known at midnight
        "uninstalled": (None, "uninstall"),
        "opted out and uninstalled": (None, "opt_out"),  # one reason a user
        "forgotten": (None, "forgotten"),  # before any other of these
        "a bot": (None, "bot"),
        "a bot, known today": (None, None),  # not known at midnight
        "a bot that opted out": (None, "bot"),
        "opted out, came back": ("d8", None),
        "push off": ("d4", "push_disabled"),
        "push on again": ("d5", None),
        "push off today": ("d6", None),  # not known at midnight
        "push unknown": ("d7", None),
        "push off on the newer one": ("d9", None),
        "push unknown on the newer one": ("d11", None),
        "push off on one, unknown on the older": ("d14", None),
        "gave it away": (None, None),
        "got it": ("d15", None),
        "gave one of two away": ("d16", None),
        "got another": ("d17", "push_disabled"),
        "gives it away today": ("d18", None),  # not known at midnight
    }
    devices = [
        changed("owns a device", "d1", 9, True),
        changed("bought another", "d2", 9, True),
        changed("bought another", "d3", 10, True),
        changed("push off", "d4", 9, True),
        changed("push off", "d4", 10, False),
        changed("push on again", "d5", 9, False),
        changed("push on again", "d5", 10, True),
        changed("push off today", "d6", 9, True),
        changed("push off today", "d6", 9, False, ds=TODAY),
        changed("push unknown", "d7", 9, None),
        changed("opted out, came back", "d8", 9, False),
        changed("opted out, came back", "d8", 10, True),
        changed("push off on the newer one", "d9", 9, True),
        changed("push off on the newer one", "d10", 10, False),
        changed("push unknown on the newer one", "d11", 9, True),
        changed("push unknown on the newer one", "d12", 10, None),
        changed("push off on one, unknown on the older", "d13", 10, False),
        changed("push off on one, unknown on the older", "d14", 9, None),
        changed("gave it away", "d15", 9, True),
        changed("got it", "d15", 10, True),
        changed("gave one of two away", "d16", 8, True),
        changed("gave one of two away", "d17", 9, True),
        changed("got it", "d17", 9, True, ds=date(2026, 3, 8)),  # once: it went back
        changed("got another", "d17", 10, False),
        changed("gives it away today", "d18", 9, True),
        changed("got another", "d18", 9, True, ds=TODAY),
    ]
    leavings = [
        left("opted out", "opt_out"),
        left("opts out today", "opt_out", ds=TODAY),
        left("uninstalled", "uninstall"),
        left("opted out and uninstalled", "uninstall"),
        left("opted out and uninstalled", "opt_out"),
        left("opted out, came back", "opt_out"),
        left("forgotten", "opt_out"),
        left("a bot that opted out", "opt_out"),
    ]
    others = ["in the app", "signed up", "owns a device"]
    sent = [pushed(user, YESTERDAY) for user in expected if user not in others] + [pushed("first seen today", TODAY)]
    history = History(
        pushes=pushes(spark, sent),
        app_events=spark.createDataFrame([("in the app", YESTERDAY)], "user_id string, ds date"),
        users=spark.createDataFrame([("signed up", YESTERDAY), ("signs up today", TODAY)], "user_id string, ds date"),
        devices=contract_frame(spark, "devices", devices, more="ds date"),
        opt_outs=contract_frame(spark, "opt_outs", leavings, more="ds date"),
    )
    deletions = spark.createDataFrame([("forgotten", YESTERDAY), ("sent to", TODAY)], "user_id string, ds date")
    flags = [("a bot", YESTERDAY), ("a bot, known today", TODAY), ("a bot that opted out", YESTERDAY)]
    bots = spark.createDataFrame(flags, "user_id string, ds date")
    found = audience(history, deletions, AS_OF, bot_flags=bots).collect()
    assert len(found) == len(expected)
    assert {row["user_id"]: (row["device_id"], row["left_out"]) for row in found} == expected
    assert {row["as_of"] for row in found} == {AS_OF}


def test_audience_of_a_log_without_optional_tables(spark: SparkSession) -> None:
    rows = [
        pushed("two devices", YESTERDAY, "old", at=1),
        pushed("two devices", YESTERDAY, "new", at=2),
        pushed("two devices", TODAY, "newest", at=3),  # not known at midnight
        pushed("no device", YESTERDAY),
    ]
    found = audience(History(pushes=pushes(spark, rows)), None, AS_OF).collect()
    devices = {row["user_id"]: (row["device_id"], row["left_out"]) for row in found}
    assert devices == {"two devices": ("new", None), "no device": (None, None)}


def test_a_send_without_device_asks_for_the_one_that_the_audience_had(spark: SparkSession) -> None:
    log = [
        changed("u", "old", 9, True, ds=date(2026, 3, 7)),
        changed("u", "new", 9, True, ds=date(2026, 3, 8)),
        changed("u", "new", 9, False, ds=YESTERDAY),
        changed("u", "newest", 9, True, ds=TODAY),
        changed("v", "other", 9, True, ds=date(2026, 3, 8)),
    ]
    devices = contract_frame(spark, "devices", log, more="ds date")
    history = History(pushes=pushes(spark, [pushed("w", YESTERDAY)]), devices=devices)
    days = [date(2026, 3, number) for number in range(7, 12)]
    asked = [(user, None, day) for user in ("u", "v", "w") for day in days] + [("u", "its own", AS_OF)]
    requests = spark.createDataFrame(asked, "user_id string, device_id string, as_of date")
    found = with_last_device(requests, history)
    assert found.columns == requests.columns
    rows = found.collect()
    assert ("u", "its own", AS_OF) in rows
    filled = {(row["user_id"], row["as_of"].day): row["device_id"] for row in rows if row["device_id"] != "its own"}
    assert [filled["u", day] for day in range(7, 12)] == [None, "old", "new", "old", "newest"]
    assert [filled["v", day] for day in range(7, 12)] == [None, None, "other", "other", "other"]
    for day in days:
        for user in audience(history, None, day).collect():
            assert filled[user["user_id"], day.day] == user["device_id"]


def test_planned_sends_are_those_that_the_midnight_serves(spark: SparkSession) -> None:
    def plan(name: str, send_at: str | None, local_hour: int | None = None, ds: date = YESTERDAY) -> tuple[Any, ...]:
        return (name, send_at, local_hour, ds)

    rows = [
        plan("at the ready time", "2026-03-10 03:00:00"),
        plan("before the load is in", "2026-03-10 02:59:59"),  # served by the midnight before
        plan("just before the next", "2026-03-11 02:59:59"),
        plan("at the next", "2026-03-11 03:00:00"),
        plan("planned today", "2026-03-10 12:00:00", ds=TODAY),  # not known at midnight
        plan("planned long ago", "2026-03-10 12:00:00", ds=date(2026, 1, 1)),
        plan("planned twice", "2026-03-10 12:00:00"),
        plan("planned twice", "2026-03-10 12:00:00", ds=date(2026, 1, 1)),
        plan("local hour", None, 18),
        plan("local hour of the day before", None, 18, ds=date(2026, 3, 8)),  # its day is over
        plan("no time at all", None),
    ]
    frame = spark.createDataFrame(rows, "campaign_id string, at string, local_hour int, ds date")
    plans = frame.withColumn("send_at", F.col("at").cast("timestamp"))
    found = [row["campaign_id"] for row in planned_sends(plans, AS_OF, LAG).collect()]
    assert sorted(found) == sorted(
        ["at the ready time", "just before the next", "planned long ago", "planned twice", "local hour"]
    )


def test_active_campaigns(spark: SparkSession) -> None:
    def sent(campaign: str, event_day: int, *, sends: int = 1, ds: date = YESTERDAY) -> tuple[Any, ...]:
        return ("u", None, campaign, date(2026, 3, event_day), ds, sends, 0)

    rows = [
        sent("seven days ago", 3),
        sent("eight days ago", 2),
        sent("yesterday", 9),
        sent("yesterday", 8),  # there is one row a campaign
        sent("only clicked", 9, sends=0),
        sent("known today", 9, ds=TODAY),
    ]
    found = active_campaigns(History(pushes=pushes(spark, rows)), AS_OF, days=7, local_hour=18).collect()
    assert sorted(found) == [("seven days ago", None, 18), ("yesterday", None, 18)]


def test_a_local_hour_is_the_first_one_that_the_midnight_serves(spark: SparkSession) -> None:
    """The 29th of March 2026 has 23 hours in Berlin, the 5th of April 25 in Auckland."""
    cases = [
        (TimeRules(), "2026-03-29", None, 18, "2026-03-29 18:00:00"),  # an unknown zone is UTC
        (TimeRules(), "2026-03-29", "UTC", 0, "2026-03-29 00:00:00"),  # at the midnight itself
        (TimeRules(), "2026-03-29", "Europe/Berlin", 18, "2026-03-29 16:00:00"),
        (TimeRules(), "2026-03-29", "Europe/Berlin", 1, "2026-03-29 00:00:00"),
        (TimeRules(), "2026-03-29", "Europe/Berlin", 0, "2026-03-29 22:00:00"),  # the midnight after the change
        (TimeRules(), "2026-03-29", "America/New_York", 21, "2026-03-29 01:00:00"),  # there it is still the 28th
        (TimeRules(), "2026-03-29", "America/New_York", 18, "2026-03-29 22:00:00"),
        (TimeRules(), "2026-03-29", "Asia/Kolkata", 5, "2026-03-29 23:30:00"),
        (TimeRules(), "2026-04-05", "Pacific/Auckland", 9, "2026-04-05 21:00:00"),
        (LAG, "2026-03-29", "UTC", 3, "2026-03-29 03:00:00"),  # the bound is included
        (LAG, "2026-03-29", "UTC", 2, "2026-03-30 02:00:00"),  # before the load is in: the day before serves it
        (LAG, "2026-03-29", "America/New_York", 21, "2026-03-30 01:00:00"),
    ]
    for rules in (TimeRules(), LAG):
        rows = [case[1:] for case in cases if case[0] == rules]
        frame = spark.createDataFrame(rows, "day string, timezone string, local_hour int, expected string").select(
            "*", F.to_date("day").alias("as_of"), F.lit(None).cast("timestamp").alias("send_at")
        )
        served = as_of_day(F.col("send_at"), rules).alias("served_by")
        found = with_send_at(frame, rules).select("*", F.col("send_at").cast("string").alias("at"), served)
        for row in found.collect():
            assert row["at"] == row["expected"], row
            assert row["served_by"] == row["as_of"], row


def test_a_planned_time_is_kept(spark: SparkSession) -> None:
    frame = spark.sql("SELECT DATE'2026-03-29' AS as_of, TIMESTAMP'2026-03-29 07:30:00' AS send_at, 18 AS local_hour")
    assert with_send_at(frame, LAG).select(F.col("send_at").cast("string")).collect() == [("2026-03-29 07:30:00",)]
