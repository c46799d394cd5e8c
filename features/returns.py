"""Users who left (opted out of pushes, or uninstalled the app) and can be reached again."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

UNINSTALL = "uninstall"

SWITCHED_WITHIN = "INTERVAL 1 DAY"


def still_gone(leavings: DataFrame, devices: DataFrame | None, as_of: date) -> DataFrame:
    """Give the leavings known as of a midnight that no sign of a return has made void by then.

    A sign is a device of the user whose pushes are on by its last known change that tells, which came after the
    leaving. That alone is none: who opts out in the app's settings keeps the system's permission, and the device goes
    on to report its networks with pushes on. So, besides,

    - after any leaving, the device's pushes were reported off since it, or up to a day before it (switching them off
      is what opting out can mean, and may be noted first);
    - or, after an uninstall only, the device is new to the user, or it is the one that the app was removed from: an app
      that is gone reports nothing.

    A new device takes back no opt-out: its pushes are on because nobody was asked.

    Parameters
    ----------
    leavings : DataFrame
        The contract table ``opt_outs`` with ``ds``, the day a row became known.
    devices : DataFrame, optional
        The change log, likewise; without one nobody comes back.
    as_of : date
        The midnight.

    Returns
    -------
    DataFrame
        Rows of ``leavings``.
    """
    known = F.col("ds") < F.lit(as_of)
    gone = leavings.where(known)
    if devices is None:
        return gone
    of_leavers = devices.where(known).join(gone.select("user_id"), "user_id", how="left_semi")
    states = of_leavers.groupBy("user_id", "device_id").agg(
        F.min("updated_at").alias("first"),
        F.max(F.when(F.col("push_enabled"), F.col("updated_at"))).alias("on"),
        F.max(F.when(~F.col("push_enabled"), F.col("updated_at"))).alias("off"),
    )
    left, device = gone.alias("left"), states.alias("device")
    left_at, on, off = F.col("left.occurred_at"), F.col("device.on"), F.col("device.off")
    is_on = (on > left_at) & (off.isNull() | (on > off))
    was_off = off >= left_at - F.expr(SWITCHED_WITHIN)
    installed = (F.col("device.first") > left_at) | (F.col("device.device_id") == F.col("left.device_id"))
    is_back = is_on & (was_off | ((F.col("left.kind") == UNINSTALL) & installed))
    return left.join(device, (F.col("left.user_id") == F.col("device.user_id")) & is_back, how="left_anti")
