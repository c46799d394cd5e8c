"""What devices the simulated users hold, and the change log of them."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.simulation.catalogue import ANDROID_BRANDS, NEWEST_MODELS, NEWEST_OS
from jobs.simulation.parameters import Parameters
from jobs.simulation.randomness import Draws
from jobs.simulation.users import device_id, device_number

OLDEST_YEARS = 6


def with_device_traits(frame: DataFrame, p: Parameters) -> DataFrame:
    """Add what a device is, as a function of ``user`` and ``device_number`` alone.

    Added: ``platform`` (ios, android), ``device_age`` (years, whole), ``brand``, ``model``, ``network`` (wifi, 5g, 4g,
    3g) and ``os_major``. First devices are 0 to 6 years old, second ones 0 or 1; a user stays on the platform.
    """
    draw = Draws(p.seed)
    key = ("user", "device_number")
    first_age = draw.whole("device/age", *key, below=OLDEST_YEARS + 1, skew=1.3)
    ios = draw.chance("device/ios", "user", share=p.ios_share)
    return (
        frame.withColumn("platform", F.when(ios, "ios").otherwise("android"))
        .withColumn(
            "device_age",
            F.when(F.col("device_number") == 1, first_age).otherwise(draw.whole("device/new", *key, below=2)),
        )
        .withColumn("brand", F.when(ios, "Apple").otherwise(draw.pick("device/brand", *key, weights=ANDROID_BRANDS)))
        .withColumn("model", _by_name("brand", {brand: _model(*newest) for brand, newest in NEWEST_MODELS.items()}))
        .withColumn("os_major", _by_name("platform", {name: _os_major(newest) for name, newest in NEWEST_OS.items()}))
        .withColumn("network", _network(draw.uniform("device/network", *key)))
    )


def device_rows(users: DataFrame, p: Parameters) -> DataFrame:
    """Give the change log of devices, with ``updated_ms``.

    A row when a device comes into use (or at the snapshot), when its system is updated, and when its pushes are
    switched off.
    """
    draw = Draws(p.seed)
    first_ms = F.greatest("signed_up_ms", F.lit(p.snapshot_ms))
    updated_ms = first_ms + F.floor(draw.uniform("device/update/when", "user") * (F.lit(p.end_ms) - first_ms))
    updates = draw.chance("device/update", "user", share=p.os_update_share)
    push_off_ms = F.when(F.col("leave_kind") == "push_off", F.col("leave_ms"))
    changes = F.array(
        _change(F.lit(1), first_ms),
        _change(F.lit(1), F.when(updates, updated_ms), minor=1),
        _change(F.lit(2), F.col("new_device_ms")),
        _change(device_number(push_off_ms), push_off_ms, push_enabled=False),
    )
    minor = F.col("os_minor").cast("string")
    os_version = F.concat(F.col("os_major").cast("string"), F.lit("."), minor)
    missing = draw.chance("device/os/missing", "user", "device_number", "updated_ms", share=p.missing_os_share)
    return (
        users.select("*", F.inline(changes))
        .where("updated_ms < app_until_ms")
        .transform(lambda rows: with_device_traits(rows, p))
        .withColumn("device_id", device_id(F.col("user"), F.col("device_number")))
        .withColumn("os_version", F.when(~missing, os_version))
    )


def _change(number: Column, updated_ms: Column, *, minor: int = 0, push_enabled: bool = True) -> Column:
    return F.struct(
        number.alias("device_number"),
        updated_ms.alias("updated_ms"),
        F.lit(minor).alias("os_minor"),
        F.lit(push_enabled).alias("push_enabled"),
    )


def _by_name(column: str, choices: dict[str, Column]) -> Column:
    return F.coalesce(*(F.when(F.col(column) == name, value) for name, value in choices.items()))


def _model(prefix: str, number: int) -> Column:
    return F.concat(F.lit(prefix), (F.lit(number) - F.col("device_age")).cast("string"))


def _os_major(newest: int) -> Column:
    return F.lit(newest) - F.greatest(F.col("device_age") - 2, F.lit(0))


def _network(drawn: Column) -> Column:
    mobile = F.when(F.col("device_age") >= 5, "3g").when(F.col("device_age") >= 3, "4g").otherwise("5g")
    return F.when(drawn < 0.6, "wifi").when(drawn < 0.7, "4g").otherwise(mobile)
