"""What a device is, as last known, and what was clicked on it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from features.change_logs import last_change
from features.feature import Block, Feature, History
from features.known import Known
from features.os_version import VERSION_NUMBER
from features.owner_streams import Question, Told
from features.partials import epoch_ms
from features.push_history import count_features, rate_features, reader, recency_features

UNKNOWN_DEVICE = "unknown device, or not given"
ATTRIBUTES = ("platform", "os_version", "model", "brand", "network")


def _read(history: History) -> Told:
    columns = (*ATTRIBUTES, "push_enabled", "updated_at")
    changes, last = last_change(history.table("devices"), key="device_id", columns=columns)

    def answer(known: Known) -> dict[str, pa.Array]:
        first_ms = known.greatest(-known.rows.column("updated_ms").to_numpy())
        return {**last.answer(known), "device_first_ms": pc.negate(first_ms)}

    with_ms = changes.withColumn("updated_ms", epoch_ms(F.col("updated_at")))
    return with_ms, Question(answer, {**last.columns, "device_first_ms": "bigint"})


def _category(name: str, column: str) -> Feature:
    return Feature(
        name, column, "string", f"{name.replace('_', ' ')} of the device", "category", null_meaning=UNKNOWN_DEVICE
    )


STATE = Block(
    name="device_state",
    key=("device_id",),
    table="devices",
    read=_read,
    features=(
        _category("platform", "platform"),
        _category("os_version", "os_version"),
        Feature(
            "os_version_number",
            VERSION_NUMBER,
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
            "device_age_days",
            "(unix_millis(cast(as_of as timestamp)) - device_first_ms) / 86400000D",
            "double",
            "days since the device was first heard of",
            "days",
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
