"""How many devices a user has had, and since when the newest one."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import Block, Feature, History
from features.partials import epoch_ms
from features.push_history import hours_since


def _read(keys: DataFrame, history: History) -> DataFrame:
    """Take a device as the user's from its first known change on."""
    seen = history.table("devices").groupBy("user_id", "device_id", "ds").agg(F.min("updated_at").alias("_first"))
    known = keys.join(seen, "user_id", how="inner").where(F.col("ds") < F.col("as_of"))
    by_device = known.groupBy(*keys.columns, "device_id").agg(F.min("_first").alias("_first"))
    return by_device.groupBy(*keys.columns).agg(
        F.count("*").alias("user_devices"), F.max(epoch_ms(F.col("_first"))).alias("user_newest_device_ms")
    )


BLOCK = Block(
    name="user_devices",
    key=("user_id",),
    table="devices",
    read=_read,
    features=(
        Feature(
            "user_devices_all", "coalesce(user_devices, 0)", "bigint", "devices of the user", "count", "all time"
        ),
        hours_since("user_hours_since_new_device", "user_newest_device_ms", "the first change of the newest device"),
    ),
)  # fmt: skip
