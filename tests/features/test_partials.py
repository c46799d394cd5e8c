"""Partials: cells of what became known on a day, in whole numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import SparkSession

from features.partials import app_partials, push_partials
from tests.features.chain import contract_frame


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def milliseconds(day: int, hour: int) -> int:
    return int(at(day, hour).timestamp() * 1000)


def test_push_partials(spark: SparkSession) -> None:
    whose = {"user_id": "u", "device_id": "d", "campaign_id": "c"}

    def sent(name: str, hour: int, ds: int) -> dict[str, Any]:
        return {**whose, "send_id": name, "sent_at": at(1, hour), "ds": date(2026, 3, ds)}

    def clicked(name: str, hour: int, action: str, first: bool) -> dict[str, Any]:
        click = {"send_id": name, "clicked_at": at(2, hour), "action": action, "is_first_click": first}
        return {**whose, **click, "ds": date(2026, 3, 2), "send_ds": date(2026, 3, 1)}

    sends = [
        sent("a", 8, ds=1),
        sent("b", 9, ds=1),
        sent("c", 7, ds=2),  # the same event day, known a day later: a cell of its own
    ]
    clicks = [
        clicked("a", 1, "open", True),
        clicked("a", 3, "open", False),  # not its first: neither a click nor the last click's time
        clicked("b", 5, "dismiss", False),
    ]
    categories = spark.createDataFrame(
        [("c", date(2026, 3, 2), "news")], "campaign_id string, ds date, category string"
    )
    devices = [
        {"device_id": "d", "updated_at": at(day, 0), "ingested_at": at(day, 0), "ds": date(2026, 3, day), **kind}
        for day, kind in ((1, {"model": "m", "platform": "ios"}), (2, {"platform": "web"}))
    ]
    more = "user_id string, device_id string, campaign_id string, is_first_click boolean, ds date, send_ds date"
    found = push_partials(
        contract_frame(spark, "sends", sends, more="ds date"),
        contract_frame(spark, "clicks", clicks, more=more),
        categories,
        contract_frame(spark, "devices", devices, more="ds date"),
    )
    cells = {(row["event_day"].day, row["ds"].day): row.asDict() for row in found.collect()}
    counts = {when: (cell["sends"], cell["clicks"], cell["dismissals"]) for when, cell in cells.items()}
    assert counts == {(1, 1): (2, 0, 0), (1, 2): (1, 0, 0), (2, 2): (0, 1, 1)}
    last = {when: (cell["last_sent_ms"], cell["last_clicked_ms"]) for when, cell in cells.items()}
    assert last == {
        (1, 1): (milliseconds(1, 9), None),
        (1, 2): (milliseconds(1, 7), None),
        (2, 2): (None, milliseconds(2, 1)),
    }
    categories_then = {when: cell["category"] for when, cell in cells.items()}
    assert categories_then == {(1, 1): None, (1, 2): "news", (2, 2): None}, "clicks: as when their sends became known"
    models = {when: (cell["model"], cell["os_version"], cell["platform"]) for when, cell in cells.items()}
    assert models == {(1, 1): ("m", None, "ios"), (1, 2): (None, None, "web"), (2, 2): ("m", None, "ios")}
    assert {kind for name, kind in found.dtypes if name in ("sends", "clicks", "dismissals")} == {"bigint"}


def test_app_partials(spark: SparkSession) -> None:
    def event(name: str, hour: int, duration_s: float | None, ds: int = 1) -> dict[str, Any]:
        happened = {"event_name": name, "occurred_at": at(1, hour), "duration_s": duration_s}
        return {"user_id": "u", **happened, "ds": date(2026, 3, ds)}

    rows = [
        event("view", 8, 1.2346),
        event("view", 9, 0.25),
        event("view", 9, None),  # counts, and lasts no time
        event("view", 7, 0.5, ds=2),
        event("search", 8, 2.0),
    ]
    users = spark.createDataFrame(
        [("u", at(1, 0), at(1, 0), "Europe/Berlin", date(2026, 3, 2))],
        "user_id string, updated_at timestamp, ingested_at timestamp, timezone string, ds date",
    )
    found = app_partials(contract_frame(spark, "app_events", rows, more="ds date"), users).collect()
    sunday = 6 * 24
    names = ("event_day", "events", "duration_ms", "last_event_ms", "hour_of_week")
    cells = {(row["event_name"], row["hour"], row["ds"].day): tuple(row[name] for name in names) for row in found}
    assert cells == {
        ("view", 8, 1): (date(2026, 3, 1), 1, 1235, milliseconds(1, 8), sunday + 8),
        ("view", 9, 1): (date(2026, 3, 1), 2, 250, milliseconds(1, 9), sunday + 9),
        ("view", 7, 2): (date(2026, 3, 1), 1, 500, milliseconds(1, 7), sunday + 8),  # by then the zone was known
        ("search", 8, 1): (date(2026, 3, 1), 1, 2000, milliseconds(1, 8), sunday + 8),
    }
