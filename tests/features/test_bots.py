"""Machines: which clicks no person makes, who is flagged, and from when on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.bots import BotRules, bot_flags, flags_at, with_bot_rule, with_impossible
from features.time_rules import TimeRules
from tests.features.chain import DEDUP_DAYS, accepted, contract_frame
from tests.features.logs import LogMaker
from tests.features.test_rows_against_oracle import oracle_of

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)
OF_SEND = "sent_at timestamp, delivered_at timestamp, user_id string, device_id string, is_impossible boolean, ds date"

pytestmark = pytest.mark.usefixtures("one_partition")


def day(number: int) -> date:
    return date(2026, 3, number)


def test_a_click_sooner_than_a_person_can_react_is_impossible(spark: SparkSession) -> None:
    minute = timedelta(minutes=1)
    cases: list[tuple[str, timedelta, timedelta | None, bool]] = [
        ("open", 199 * MS, None, True),
        ("open", 200 * MS, None, False),  # the bound is possible
        ("button", 0 * MS, None, True),
        ("dismiss", 0 * MS, None, False),  # no click
        ("open", minute + 199 * MS, minute, True),  # soon after its late delivery
        ("open", minute + 200 * MS, minute, False),
        ("open", minute, minute + MS, False),  # the receipt came after the click: it tells nothing
        ("open", 199 * MS, -MS, True),  # the receipt came before the send: nor does this
    ]
    rows = [
        {"send_id": str(n), "action": action, "clicked_at": NOON + after, "sent_at": NOON,
         "delivered_at": None if delivered is None else NOON + delivered}
        for n, (action, after, delivered, _) in enumerate(cases)
    ]  # fmt: skip
    clicks = contract_frame(spark, "clicks", rows, more="sent_at timestamp, delivered_at timestamp")
    found = {int(row["send_id"]): row["is_impossible"] for row in with_impossible(clicks, BotRules(200)).collect()}
    assert found == {n: impossible for n, (*_, impossible) in enumerate(cases)}
    assert with_impossible(clicks, BotRules()).where("is_impossible").isEmpty()


@pytest.mark.parametrize(("fast_clicks", "days"), [(1, 1), (2, 21)])
def test_flags_are_those_of_plain_loops_from_the_day_on_which_they_are_known(
    spark: SparkSession, fast_clicks: int, days: int
) -> None:
    """Known at the first day that knows enough, whether days are looked at one by one or all at once."""
    rules = TimeRules(ready_lag_s=3 * 3600)
    log = LogMaker(Random(2), timedelta(hours=3)).log()
    limits = BotRules(200, 1, 2, min_fast_clicks=fast_clicks, fast_click_days=days)
    expected = oracle_of(log, rules).bots(most_a_minute=1, most_a_device=2, fast_clicks=fast_clicks, fast_days=days)
    frames = accepted(spark, log, rules, limits)
    flags = bot_flags(frames["clicks"], frames["devices"], limits, within_days=DEDUP_DAYS).collect()
    found: dict[tuple[str, str], date] = {}
    for row in flags:
        found[row["user_id"], row["rule"]] = min(row["ds"], found.get((row["user_id"], row["rule"]), row["ds"]))
    assert found == expected
    assert {rule for _, rule in found} == set(BotRules(1, 1, 1).active)
    assert all((row["device_id"] is not None) == (row["rule"] == "max_users_a_device") for row in flags)


def clicks_of(*clicks: tuple[str, timedelta, int, str]) -> list[dict[str, Any]]:
    return [
        {"send_id": f"s{n}", "user_id": user, "clicked_at": NOON + after, "ingested_at": NOON + after,
         "action": action, "is_impossible": False, "ds": day(ds)}
        for n, (user, after, ds, action) in enumerate(clicks)
    ]  # fmt: skip


def test_clicks_a_minute(spark: SparkSession) -> None:
    seconds = timedelta(seconds=1)
    rows = clicks_of(
        *(("three", n * seconds, 10, "open") for n in (0, 1, 59)),
        *(("two", n * seconds, 10, "open") for n in (0, 1)),
        *(("over two minutes of the clock", n * seconds, 10, "open") for n in (58, 59, 60)),
        *(("a minute apart", n * seconds, 10, "open") for n in (0, 30, 60)),
        *(("four in all", n * seconds, 10, "open") for n in (0, 30, 60, 89)),
        *(("one dismissed", n * seconds, 10, "dismiss" if n else "open") for n in (0, 1, 2)),
        *(("the third is known later", n * seconds, 10 + n, "open") for n in (0, 1, 2)),
        *(("the third is known too late", n * seconds, 10 + 2 * n, "open") for n in (0, 1, 2)),
    )
    rules = BotRules(max_clicks_a_minute=2)
    frame = contract_frame(spark, "clicks", rows, more=OF_SEND)
    found = bot_flags(frame, None, rules, within_days=2).collect()
    assert sorted((row["user_id"], row["ds"].day, row["times"]) for row in found) == [
        ("four in all", 10, 1),
        ("over two minutes of the clock", 10, 1),
        ("the third is known later", 12, 1),
        ("three", 10, 1),
    ]
    of_last_days = bot_flags(frame.where("ds >= DATE '2026-03-10'"), None, rules, within_days=2).where(
        "ds = '2026-03-12'"
    )
    assert [row["user_id"] for row in of_last_days.collect()] == ["the third is known later"]


def test_a_user_is_flagged_by_several_fast_clicks_of_a_few_days(spark: SparkSession) -> None:
    known = {
        "one": [10],
        "two": [10, 10],
        "three at once": [10, 10, 10],
        "three within three days": [10, 11, 12],
        "three over four days": [10, 11, 13],
        "four": [10, 12, 13, 14],
    }
    rows = clicks_of(*((user, timedelta(0), ds, "open") for user, of_user in known.items() for ds in of_user))
    frame = contract_frame(spark, "clicks", [row | {"is_impossible": True} for row in rows], more=OF_SEND)
    rules = BotRules(min_reaction_ms=200, min_fast_clicks=3, fast_click_days=3)
    found = {
        (row["user_id"], row["ds"].day): row["times"] for row in bot_flags(frame, None, rules, within_days=1).collect()
    }
    assert found == {("three at once", 10): 1, ("three within three days", 12): 1, ("four", 14): 1}
    assert rules.days_to_read(1) == 2
    some = bot_flags(frame.where("ds >= DATE '2026-03-12'"), None, rules, within_days=1).where("ds = '2026-03-14'")
    assert [row["user_id"] for row in some.collect()] == ["four"], "what a night reads is enough"


def test_a_click_that_is_known_late_and_lies_between_others_is_one_too_many(spark: SparkSession) -> None:
    """The day on which it is known is flagged, not that of the click that came last."""
    seconds = timedelta(seconds=1)
    rows = clicks_of(*(("u", n * seconds, ds, "open") for n, ds in ((0, 10), (50, 10), (20, 11), (55, 12))))
    frame = contract_frame(spark, "clicks", rows, more=OF_SEND)
    found = bot_flags(frame, None, BotRules(max_clicks_a_minute=2), within_days=2).collect()
    assert [(row["ds"].day, row["times"]) for row in sorted(found)] == [(11, 1), (12, 1)]


def test_sends_a_day(spark: SparkSession) -> None:
    hours = timedelta(hours=1)
    sent = [
        *(("three", n * hours, 10) for n in (0, 1, 11)),
        *(("over two days", n * hours, 10) for n in (10, 11, 12)),
        *(("the third is known later", n * hours, 10 + n) for n in (0, 1, 2)),
        *(("the third is known too late", n * hours, 10 + 2 * n) for n in (0, 1, 2)),
    ]
    rows = [
        {"send_id": f"s{n}", "user_id": user, "sent_at": NOON + after, "ingested_at": NOON + after, "ds": day(ds)}
        for n, (user, after, ds) in enumerate(sent)
    ]
    sends = contract_frame(spark, "sends", rows, more="ds date")
    none = contract_frame(spark, "clicks", [], more=OF_SEND)
    found = bot_flags(none, None, BotRules(max_sends_a_day=2), within_days=2, sends=sends).collect()
    assert sorted((row["user_id"], row["rule"], row["ds"].day, row["times"]) for row in found) == [
        ("the third is known later", "max_sends_a_day", 12, 1),
        ("three", "max_sends_a_day", 10, 1),
    ]
    assert {row["device_id"] for row in found} == {None}


def test_users_a_device(spark: SparkSession) -> None:
    held = [("farm", "a", 1), ("farm", "b", 2), ("farm", "a", 3), ("farm", "c", 4), ("farm", "d", 6), ("home", "a", 1),
            ("home", "e", 1)]  # fmt: skip
    rows = [
        {"device_id": device, "user_id": user, "updated_at": NOON, "ingested_at": NOON, "ds": day(ds)}
        for device, user, ds in held
    ]
    devices = contract_frame(spark, "devices", rows, more="ds date")
    none = contract_frame(spark, "clicks", [], more=OF_SEND)
    found = bot_flags(none, devices, BotRules(max_users_a_device=2), within_days=2).collect()
    flagged = {row["user_id"]: (row["device_id"], row["ds"].day) for row in found}
    assert flagged == {"a": ("farm", 4), "b": ("farm", 4), "c": ("farm", 4), "d": ("farm", 6)}


def test_a_flag_counts_from_the_midnight_that_knows_it(spark: SparkSession) -> None:
    flags = spark.createDataFrame(
        [("u", "max_clicks_a_minute", day(12)), ("u", "min_reaction_ms", day(10)), ("v", "min_reaction_ms", day(30))],
        "user_id string, rule string, ds date",
    )
    rows = spark.createDataFrame(
        [("u", day(10)), ("u", day(11)), ("u", day(20)), ("v", day(30)), ("w", day(30))], "user_id string, as_of date"
    )
    judged = with_bot_rule(rows, flags, BotRules()).collect()
    found = {(row["user_id"], row["as_of"].day): row["bot_rule"] for row in judged}
    assert found == {
        ("u", 10): None,  # flagged on that day: its midnight did not know
        ("u", 11): "min_reaction_ms",
        ("u", 20): "min_reaction_ms",
        ("v", 30): None,
        ("w", 30): None,
    }


def test_a_flag_counts_for_some_midnights_unless_it_is_of_a_crowded_device(spark: SparkSession) -> None:
    rules = BotRules(flag_days=3)
    made = [
        ("u", "max_clicks_a_minute", day(10)),
        ("u", "min_reaction_ms", day(12)),
        ("v", "max_users_a_device", day(10)),
    ]
    flags = spark.createDataFrame(made, "user_id string, rule string, ds date")
    rows = spark.createDataFrame(
        [(user, day(number)) for user in "uv" for number in range(10, 17)], "user_id string, as_of date"
    )
    found = {("u", number): None for number in range(10, 17)} | {("v", 10): None}
    found |= {("u", number): "max_clicks_a_minute" for number in (11, 12, 13)}
    found |= {("u", number): "min_reaction_ms" for number in (14, 15)}  # flagged again: counted from then
    found |= {("v", number): "max_users_a_device" for number in range(11, 17)}
    judged = with_bot_rule(rows, flags, rules).collect()
    assert {(row["user_id"], row["as_of"].day): row["bot_rule"] for row in judged} == found
    for number in range(10, 17):
        known = {row["user_id"] for row in flags_at(day(number), flags, rules).collect()}
        assert known == {user for user in "uv" if found[user, number]}


def test_a_limit_below_one_is_an_error() -> None:
    with pytest.raises(ValueError, match="max_users_a_device: expected at least 1, got 0"):
        BotRules(max_users_a_device=0)
    with pytest.raises(ValueError, match="min_fast_clicks: expected at least 1, got 0"):
        BotRules(min_fast_clicks=0)
    with pytest.raises(ValueError, match="flag_days: expected at least 1, got 0"):
        BotRules(flag_days=0)
