"""Who the simulated users are: interests, habits, home, and when they come and go."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulation.catalogue import CATEGORIES, MARKETS, PEAK_HOURS
from jobs.simulation.instants import DAY_MS
from jobs.simulation.parameters import Parameters
from jobs.simulation.randomness import Draws

INTEREST_COUNTS = {"1": 3, "2": 4, "3": 2, "4": 1}
"""How many interests users have, with weights."""


def latent_users(spark: SparkSession, p: Parameters, *, partitions: int) -> DataFrame:
    """Draw one row a user with everything that their logs follow from.

    Columns beside those of the contract: ``user`` (number), ``interests`` (array of 1 to 4 positions in ``CATEGORIES``,
    the strongest first), ``bot``, ``activity`` (log of app activity, in standard deviations), ``propensity`` (own
    effect on the logit of a click), ``peak_hour`` (local), ``signed_up_ms``, ``ignored_before`` (pushes in a row
    ignored up to the period: evenly from 0 to the cap, none for new users, so that the first days are like the others),
    ``new_device_ms`` (null: keeps the device), ``leave_kind`` (null, ``opt_out``, ``uninstall`` or ``push_off``),
    ``push_until_ms`` and ``app_until_ms`` (excluded).
    """
    draw = Draws(p.seed)
    users = spark.range(p.users, numPartitions=partitions).withColumnRenamed("id", "user")
    return (
        users.withColumn("user_id", F.concat(F.lit("u"), F.lpad(F.col("user").cast("string"), 9, "0")))
        .withColumn("interests", _interests(draw))
        .withColumn("bot", draw.chance("bot", "user", share=p.bot_share))
        .withColumn("activity", draw.normal("activity", "user"))
        .withColumn("propensity", F.lit(p.propensity_sigma) * _propensity(draw, p.propensity_from_activity))
        .withColumn(
            "peak_hour", draw.pick("peak", "user", weights=PEAK_HOURS).cast("double") + draw.normal("peak/own", "user")
        )
        .transform(lambda users: _with_home(users, draw))
        .transform(lambda users: _with_stay(users, p, draw))
    )


def user_rows(users: DataFrame, p: Parameters) -> DataFrame:
    """Give the change log of users: one row, and a second one where a missing time zone becomes known later."""
    draw = Draws(p.seed)
    missing = draw.chance("timezone/missing", "user", share=p.missing_timezone_share)
    told = missing & draw.chance("timezone/told", "user", share=0.5)
    told_ms = F.when(told, _within(draw, "timezone/when", F.col("first_ms"), F.lit(p.end_ms)))
    first = F.greatest("signed_up_ms", F.lit(p.snapshot_ms))
    changes = F.array(
        F.struct(F.col("first_ms").alias("updated_ms"), missing.alias("missing")),
        F.struct(told_ms.alias("updated_ms"), F.lit(False).alias("missing")),
    )
    return (
        users.withColumn("first_ms", first)
        .select("*", F.inline(changes))
        .where("updated_ms IS NOT NULL")
        .withColumn("timezone", F.when(~F.col("missing"), F.col("timezone")))
    )


def opt_out_rows(users: DataFrame) -> DataFrame:
    """Give who opted out or removed the app, and when (``occurred_ms``); a removal names the device."""
    device = F.when(F.col("leave_kind") == "uninstall", device_id(F.col("user"), device_number(F.col("leave_ms"))))
    return users.where("leave_kind IN ('opt_out', 'uninstall')").select(
        "user_id", F.col("leave_ms").alias("occurred_ms"), F.col("leave_kind").alias("kind"), device.alias("device_id")
    )


def device_number(at_ms: Column) -> Column:
    """Tell which of the user's devices, 1 or 2, is in use at an instant."""
    return F.when(at_ms >= F.col("new_device_ms"), F.lit(2)).otherwise(F.lit(1))


def device_id(user: Column, number: Column) -> Column:
    """Name a user's device."""
    return F.concat(F.lit("d"), F.lpad(user.cast("string"), 9, "0"), F.lit("-"), number.cast("string"))


def _interests(draw: Draws) -> Column:
    """Choose distinct interests: the first to come when each category comes at its own rate, popular ones sooner.

    Exponential times at rates ``w`` choose in proportion to ``w`` without replacement (Efraimidis and Spirakis, 2006).
    """
    order = F.transform(
        F.sequence(F.lit(0), F.lit(len(CATEGORIES) - 1)),
        lambda category: F.struct(
            (-F.log(draw.uniform("interest", "user", category)) * (category + 1)).alias("time"),
            category.alias("category"),
        ),
    )
    count = draw.pick("interests", "user", weights=INTEREST_COUNTS).cast("int")
    return F.slice(F.array_sort(order), F.lit(1), count).getField("category")


def _propensity(draw: Draws, from_activity: float) -> Column:
    own = (1 - from_activity**2) ** 0.5
    return F.lit(from_activity) * F.col("activity") + F.lit(own) * draw.normal("propensity", "user")


def _with_home(users: DataFrame, draw: Draws) -> DataFrame:
    home = F.split(draw.pick("market", "user", weights=MARKETS), "/", 3)
    names = ("country", "language", "timezone")
    return users.withColumns({name: home[position] for position, name in enumerate(names)})


def _with_stay(users: DataFrame, p: Parameters, draw: Draws) -> DataFrame:
    start, end = F.lit(p.start_ms), F.lit(p.end_ms)
    tenure = F.least(-F.log(draw.uniform("tenure", "user")), F.lit(5.0)) * F.lit(p.tenure_days_mean * DAY_MS)
    signed_up = F.when(draw.chance("new", "user", share=p.new_share), _within(draw, "sign-up", start, end)).otherwise(
        start - tenure.cast("long")
    )
    ignored = draw.whole("ignored", "user", below=p.fatigue_cap + 1)
    shares = {"opt_out": p.opt_out_share, "uninstall": p.uninstall_share, "push_off": p.push_off_share}
    kind = draw.pick("leave", "user", weights={**shares, "": 1 - sum(shares.values())})
    since = F.greatest("signed_up_ms", start)
    return (
        users.withColumn("signed_up_ms", signed_up)
        .withColumn("ignored_before", F.when(F.col("signed_up_ms") >= start, 0).otherwise(ignored))
        .withColumn("leave_kind", F.nullif(kind, F.lit("")))
        .withColumn("leave_ms", F.when(F.col("leave_kind").isNotNull(), _within(draw, "leave/when", since, end)))
        .withColumn("push_until_ms", F.coalesce("leave_ms", end))
        .withColumn("app_until_ms", F.when(F.col("leave_kind") == "uninstall", F.col("leave_ms")).otherwise(end))
        .withColumn(
            "new_device_ms",
            F.when(draw.chance("device", "user", share=p.new_device_share), _within(draw, "device/when", since, end)),
        )
    )


def _within(draw: Draws, name: str, since: Column, until: Column) -> Column:
    """Draw an instant of a user from ``since`` (included) to ``until`` (excluded)."""
    return since + F.floor(draw.uniform(name, "user") * (until - since))
