"""From clicks to their sends, to first clicks, and to labels."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from features.attribution import SEND_COLUMNS, with_first_click, with_label, with_send
from features.time_rules import TimeRules
from tests.features.chain import contract_frame

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(milliseconds=1)


def send(send_id: str, *, ds: int = 10, sent_at: datetime = NOON) -> dict[str, Any]:
    mine = {"user_id": f"user of {send_id}", "device_id": None, "campaign_id": "c"}
    return {"send_id": send_id, **mine, "sent_at": sent_at, "ingested_at": sent_at, "ds": date(2026, 3, ds)}


def click(
    send_id: str, after: timedelta, known_after: timedelta = DAY, *, action: str = "open", ds: int = 10
) -> dict[str, Any]:
    return {
        "send_id": send_id,
        "clicked_at": NOON + after,
        "ingested_at": NOON + known_after,
        "action": action,
        "ds": date(2026, 3, ds),
    }


def test_clicks_meet_their_sends(spark: SparkSession) -> None:
    sends = [
        send("same day"),
        send("late", ds=12),
        send("later", ds=13),
        send("long ago", ds=5),
        send("too long ago", ds=4),
        *(send("came again", ds=ds) for ds in (11, 7)),
        *(send("came again too late", ds=ds) for ds in (4, 13)),
    ]
    cases: list[tuple[dict[str, Any], str | None, int]] = [
        (click("same day", HOUR), None, 10),
        (click("same day", timedelta(0)), None, 10),  # at the very moment of the send
        (click("same day", -TICK), "click_before_send", 10),
        (click("late", HOUR), None, 12),  # waited two days; known from the day on which both are
        (click("late", -HOUR), "click_before_send", 12),
        (click("later", HOUR), "unknown_send", 12),  # waited in vain: its time was up the day before
        (click("never sent", HOUR), "unknown_send", 12),
        (click("long ago", HOUR), None, 10),
        (click("too long ago", HOUR), "unknown_send", 12),  # sends are sought five days back
        (click("came again", HOUR), None, 10),  # it is one click still, of the first of them
        (click("came again too late", HOUR), "unknown_send", 12),
    ]
    clicks = contract_frame(spark, "clicks", [row for row, _, _ in cases], more="ds date")
    joined = with_send(
        clicks, contract_frame(spark, "sends", sends, more="ds date"), wait_days=2, within_days=5
    ).collect()

    assert len(joined) == len(cases)
    by_click = {(row["send_id"], row["clicked_at"].timestamp()): row for row in joined}
    for row, reason, ds in cases:
        found = by_click[row["send_id"], row["clicked_at"].timestamp()]
        assert (found["reason"], found["ds"]) == (reason, date(2026, 3, ds)), row
        if reason == "unknown_send":
            assert all(found[name] is None for name in SEND_COLUMNS), row
        else:
            assert found["user_id"] == f"user of {row['send_id']}", row
        assert (found["send_ds"] is None) == (reason == "unknown_send"), row


def test_one_click_a_send_counts(spark: SparkSession) -> None:
    impossible = [click("e", TICK), click("f", TICK)]
    cases = [
        (click("a", 3 * HOUR), True),  # known first, though clicked later
        (click("a", 1 * HOUR, ds=11), False),
        (click("b", 2 * HOUR), False),
        (click("b", 1 * HOUR), True),  # known the same day, clicked first
        (click("c", 1 * HOUR, action="dismiss"), False),
        (click("c", 2 * HOUR, action="button"), True),  # a dismissal before does not take its place
        (click("d", 1 * HOUR, action="dismiss"), False),
        (click("e", 1 * HOUR), True),  # an impossible one before does not take its place
        *((row, False) for row in impossible),
    ]
    rows = contract_frame(
        spark,
        "clicks",
        [{**row, "is_impossible": row in impossible, "expected": first} for row, first in cases],
        more="ds date, is_impossible boolean, expected boolean",
    )
    found = with_first_click(rows).collect()
    assert len(found) == len(cases)
    for row in found:
        assert row["is_first_click"] == row["expected"], row

    before = spark.createDataFrame([("a",)], "send_id string")
    firsts = {row["send_id"] for row in with_first_click(rows, before).where("is_first_click").collect()}
    assert firsts == {"b", "c", "e"}, "a was clicked on an earlier day"


def test_labels(spark: SparkSession) -> None:
    """A day of attribution, a day of lateness; both bounds are included."""
    cases: list[tuple[str, int, list[dict[str, Any]]]] = [
        ("at the last moment", 1, [click("", DAY, 2 * DAY)]),
        ("too late", 0, [click("", DAY + TICK, 2 * DAY)]),
        ("known too late", 0, [click("", HOUR, 2 * DAY + TICK)]),
        ("dismissed", 0, [click("", HOUR, action="dismiss")]),
        ("dismissed, then opened", 1, [click("", HOUR, action="dismiss"), click("", 2 * HOUR)]),
        ("opened twice", 1, [click("", HOUR), click("", 2 * HOUR, action="button")]),
        ("by no person", 0, [click("", TICK) | {"is_impossible": True}]),
        ("by no person, then by one", 1, [click("", TICK) | {"is_impossible": True}, click("", HOUR)]),
        ("no click", 0, []),
        ("only a future click", 0, [click("", 9 * DAY, 9 * DAY)]),
    ]
    sends = contract_frame(spark, "sends", [send(name) for name, _, _ in cases])
    clicks = [{**row, "send_id": name, "sent_at": NOON} for name, _, rows in cases for row in rows]
    frame = contract_frame(spark, "clicks", clicks, more="sent_at timestamp, is_impossible boolean")
    found = with_label(sends, frame, TimeRules()).collect()
    assert sorted((row["send_id"], row["label"]) for row in found) == sorted((name, label) for name, label, _ in cases)
