"""What a device is, as last known, and what was clicked on it."""

from __future__ import annotations

from features.change_logs import change_reader
from features.feature import Block, Feature
from features.push_history import count_features, rate_features, reader, recency_features

UNKNOWN_DEVICE = "unknown device, or not given"
ATTRIBUTES = ("platform", "os_version", "model", "brand", "network")


def _category(name: str, column: str) -> Feature:
    return Feature(
        name, column, "string", f"{name.replace('_', ' ')} of the device", "category", null_meaning=UNKNOWN_DEVICE
    )


def _part(number: int) -> str:
    """Give a number of a version like ``17.4``; null where there is none."""
    return f"nullif(regexp_extract(os_version, '([0-9]{{1,9}})(?:[.]([0-9]{{1,9}}))?', {number}), '')"


STATE = Block(
    name="device_state",
    key=("device_id",),
    table="devices",
    read=change_reader("devices", key="device_id", columns=(*ATTRIBUTES, "push_enabled", "updated_at")),
    features=(
        _category("platform", "platform"),
        _category("os_version", "os_version"),
        Feature(
            "os_version_number",
            f"cast({_part(1)} as double) + coalesce(cast({_part(2)} as double), 0) / 1000",
            "double",
            "first number of the system's version, and a thousandth of the one after the dot: newer is greater",
            "version",
            null_meaning=f"{UNKNOWN_DEVICE}, or without a number",
        ),
        _category("device_model", "model"),
        _category("device_brand", "brand"),
        _category("network", "network"),
        Feature(
            "push_enabled",
            "cast(push_enabled as int)",
            "int",
            "1 when pushes are switched on",
            "0 or 1",
            null_meaning=UNKNOWN_DEVICE,
        ),
        Feature(
            "device_hours_since_change",
            "(unix_millis(cast(as_of as timestamp)) - unix_millis(updated_at)) / 3600000D",
            "double",
            "hours since the device last changed",
            "hours",
            null_meaning=UNKNOWN_DEVICE,
        ),
    ),
)

HISTORY = Block(
    name="device_history",
    key=("device_id",),
    table="pushes",
    read=reader(("device_id",), "device"),
    features=(
        *count_features("device", ("sends", "clicks"), "on the device"),
        *rate_features("device", "to the device"),
        *recency_features("device", "on the device"),
    ),
    prior_level="device",
)
