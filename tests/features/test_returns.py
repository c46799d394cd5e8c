"""Which sign of a device makes a leaving void."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pyspark.sql import SparkSession

from features.returns import still_gone
from features.time_rules import TimeRules
from tests.features.chain import contract_frame

AS_OF = date(2026, 3, 10)
LEFT = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = 24

CASES = {
    # name: kind, its device, (device, hours since the leaving, push_enabled) of each change, whether still gone
    "nothing more known": ("opt_out", None, [], True),
    "another network": ("opt_out", None, [("d", -90, True), ("d", 5, True)], True),
    "switched off and on": ("opt_out", None, [("d", 0, False), ("d", 5, True)], False),
    "switch noted first": ("opt_out", None, [("d", -DAY, False), ("d", 5, True)], False),
    "off long before": ("opt_out", None, [("d", -DAY - 1, False), ("d", 5, True)], True),
    "on before leaving": ("opt_out", None, [("d", -5, False), ("d", -4, True)], True),
    "on when leaving": ("opt_out", None, [("d", -5, False), ("d", 0, True)], True),
    "on, and off again": ("opt_out", None, [("d", 1, False), ("d", 2, True), ("d", 3, False)], True),
    "on, then unknown": ("opt_out", None, [("d", 1, False), ("d", 2, True), ("d", 3, None)], False),
    "another one is on": ("opt_out", None, [("d", 1, False), ("other", 5, True)], True),
    "new phone": ("opt_out", None, [("d", -90, True), ("new", 5, True)], True),
    "opt-out of a device that reports": ("opt_out", "d", [("d", -90, True), ("d", 5, True)], True),
    "known too late": ("opt_out", None, [("d", 1, False), ("d", 5 * DAY, True)], True),
    "uninstalled": ("uninstall", "d", [("d", -90, True)], True),
    "installed on a new device": ("uninstall", "d", [("d", -90, True), ("new", 5, True)], False),
    "new device, pushes off": ("uninstall", "d", [("d", -90, True), ("new", 5, False)], True),
    "installed there again": ("uninstall", "d", [("d", -90, True), ("d", 5, True)], False),
    "another device reports": ("uninstall", "d", [("d", -90, True), ("tablet", -90, True), ("tablet", 5, True)], True),
    "uninstalled nobody knows where": ("uninstall", None, [("d", -90, True), ("d", 5, True)], True),
    "uninstalled, off and on": ("uninstall", None, [("d", -90, True), ("d", 1, False), ("d", 5, True)], False),
}


def test_signs_of_a_return(spark: SparkSession) -> None:
    leavings = [
        {"user_id": user, "kind": kind, "device_id": device, "occurred_at": LEFT, "ingested_at": LEFT}
        for user, (kind, device, _, _) in CASES.items()
    ]
    changes = [
        {"user_id": user, "device_id": f"{device} of {user}", "push_enabled": push_enabled, "updated_at": at,
         "ingested_at": at}
        for user, (_, _, changed, _) in CASES.items()
        for device, hours, push_enabled in changed
        for at in [LEFT + hours * HOUR]
    ]  # fmt: skip
    for row in leavings:
        row["device_id"] = row["device_id"] and f"{row['device_id']} of {row['user_id']}"
    opt_outs = contract_frame(spark, "opt_outs", leavings, TimeRules())
    devices = contract_frame(spark, "devices", changes, TimeRules())
    found = {row["user_id"] for row in still_gone(opt_outs, devices, AS_OF).collect()}
    assert found == {user for user, (*_, gone) in CASES.items() if gone}


def test_without_a_log_of_devices_nobody_comes_back(spark: SparkSession) -> None:
    row = {"user_id": "u", "kind": "opt_out", "occurred_at": LEFT, "ingested_at": LEFT}
    opt_outs = contract_frame(spark, "opt_outs", [row], TimeRules())
    assert [row["user_id"] for row in still_gone(opt_outs, None, AS_OF).collect()] == ["u"]
    assert still_gone(opt_outs, None, LEFT.date()).collect() == [], "not known yet"
