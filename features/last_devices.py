"""The device by which a user can be reached as of a midnight."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.change_logs import CLOCKS, latest_as_of
from features.feature import History


def last_devices(keys: DataFrame, history: History) -> DataFrame:
    """Give the device to send to.

    By the change log a device is of the user whom its last change names. Of a user's devices those with pushes on come
    first, then those of which that is unknown; of equals the one that changed last. Without a change log it is the
    device of the last push.

    Parameters
    ----------
    keys : DataFrame
        ``user_id`` and ``as_of``, unique.
    history : History
        Rows with ``ds``, the day they became known.

    Returns
    -------
    DataFrame
        ``user_id, as_of, device_id``, ``push_enabled`` (null: unknown). Users without a known device have no row.
    """
    if history.devices is None:
        return _last_pushed(keys, history)
    ever_held = history.devices.select("user_id", "device_id").distinct()
    asked = keys.join(ever_held, "user_id").select("device_id", "as_of").distinct()
    columns = ("user_id", "push_enabled", *CLOCKS)
    last = latest_as_of(asked, history.devices, key="device_id", columns=columns)
    by_push = F.when(F.col("push_enabled"), 2).when(F.col("push_enabled").isNull(), 1).otherwise(0).alias("_by_push")
    best = F.max(F.struct(by_push, *CLOCKS, "device_id", "push_enabled")).alias("_best")
    owned = last.join(keys.select("user_id", "as_of"), ["user_id", "as_of"], how="left_semi")
    chosen = owned.groupBy("user_id", "as_of").agg(best)
    return chosen.select("user_id", "as_of", "_best.device_id", "_best.push_enabled")


def with_last_device(requests: DataFrame, history: History) -> DataFrame:
    """Fill in the device of requests that name none, as scoring would have chosen it; null stays where none is known.

    Parameters
    ----------
    requests : DataFrame
        With ``user_id, device_id, as_of``.
    history : History
        See ``last_devices``.
    """
    without = requests.where(F.col("device_id").isNull()).select("user_id", "as_of").distinct()
    last = last_devices(without, history).select("user_id", "as_of", F.col("device_id").alias("_last"))
    filled = requests.join(last, ["user_id", "as_of"], how="left")
    return filled.withColumn("device_id", F.coalesce("device_id", "_last")).select(*requests.columns)


def _last_pushed(keys: DataFrame, history: History) -> DataFrame:
    pushed = (
        history.pushes_by("user_id", "device_id")
        .join(keys, "user_id")
        .where("ds < as_of AND device_id IS NOT NULL AND sends > 0")
    )
    last = pushed.groupBy("user_id", "as_of").agg(F.max(F.struct("last_sent_ms", "device_id")).alias("_last"))
    return last.select("user_id", "as_of", "_last.device_id", F.lit(None).cast("boolean").alias("push_enabled"))
