"""Priors of click rates, fitted by empirical Bayes on what was known before each midnight.

Rates of keys (users, campaigns, ...) are taken as draws of a beta distribution. Its moments come from integer sums over
all keys, with S sends and C clicks each known before T. The mean is sum C / sum S. The spread is told by pairs of sends
of the same key, in which every key weighs alike in both moments, or the large keys' distance from the mean would pass
for spread, or hide it: m = sum C(S-1) / sum S(S-1) and v = sum C(C-1) / sum S(S-1) - m^2. The strength, in sends, is
m(1 - m) / v - 1 (Casella 1985, "An introduction to empirical Bayes data analysis"; the method of moments for the
beta-binomial).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

STRENGTH_RANGE = (1.0, 10_000.0)
"""Bounds of a prior's strength in sends; the upper one is taken when keys show no spread beyond chance."""

OF_KEY = ("first", "second")
"""Columns of a key, which has one or two."""

SUMS = ("sends", "clicks", "send_pairs", "click_pairs", "mixed_pairs")


def days_before_as_one(cells: DataFrame, midnights: DataFrame) -> DataFrame:
    """Give cells that became known before the first of some midnights the ``ds`` of the day that it ends.

    Each midnight knows the same cells; a night that asks about a few has few days to add up, however old the log is.
    """
    first = midnights.agg(F.date_sub(F.min("as_of"), 1).alias("day_before"))
    day = F.greatest("ds", "day_before")
    return cells.crossJoin(F.broadcast(first)).withColumn("ds", day).drop("day_before")


def prior_steps(cells: DataFrame, keys: Mapping[str, Sequence[str]]) -> DataFrame:
    """Give by how much the five sums of each level grow on each day.

    Parameters
    ----------
    cells : DataFrame
        Push partials with ``ds``.
    keys : mapping of str to sequence of str
        By level, the columns of its key; rows with a null there are left out of it.

    Returns
    -------
    DataFrame
        ``level, ds``, ``SUMS`` (long): steps of sum S, sum C, sum S(S-1), sum C(C-1), sum C(S-1).
    """
    counted = [
        F.when(F.expr(" AND ".join(f"{name} IS NOT NULL" for name in key)), F.struct(
            F.lit(level).alias("level"), *(F.col(name).alias(at) for name, at in zip(key, OF_KEY, strict=False)),
            *(F.lit(None).cast("string").alias(at) for at in OF_KEY[len(key):]),
        ))
        for level, key in keys.items()
    ]  # fmt: skip
    named = cells.select("ds", "sends", "clicks", F.explode(F.array(*counted)).alias("of")).where("of IS NOT NULL")
    flat = named.select("ds", "sends", "clicks", "of.*")
    daily = flat.groupBy("level", *OF_KEY, "ds").agg(F.sum("sends").alias("sends"), F.sum("clicks").alias("clicks"))
    so_far = Window.partitionBy("level", *OF_KEY).orderBy("ds").rowsBetween(Window.unboundedPreceding, 0)

    def pairs_step(one: str, other: str) -> Column:
        after, others_after = F.sum(one).over(so_far), F.sum(other).over(so_far)
        before, others_before = after - F.col(one), others_after - F.col(other)
        return after * (others_after - 1) - before * (others_before - 1)

    steps = daily.select(
        "level", "ds", "sends", "clicks",
        pairs_step("sends", "sends").alias("send_pairs"), pairs_step("clicks", "clicks").alias("click_pairs"),
        pairs_step("clicks", "sends").alias("mixed_pairs"),
    )  # fmt: skip
    return steps.groupBy("level", "ds").agg(*(F.sum(name).alias(name) for name in SUMS))


def priors(midnights: DataFrame, steps: DataFrame, levels: Sequence[str]) -> DataFrame:
    """Fit the priors of all levels for each midnight.

    Parameters
    ----------
    midnights : DataFrame
        ``as_of`` (date), unique.
    steps : DataFrame
        What ``prior_steps`` gives; a row a level and day.
    levels : sequence of str
        First words of the new columns.

    Returns
    -------
    DataFrame
        ``as_of``, and for each level ``LEVEL_prior_rate`` (null before the first send), ``LEVEL_prior_strength``
        (sends).
    """

    def of_level(level: str, name: str) -> Column:
        return F.sum(F.when(F.col("level") == level, F.col(name))).alias(f"{level}_{name}")

    known = midnights.join(F.broadcast(steps), F.col("ds") < F.col("as_of"), how="left")
    totals = known.groupBy("as_of").agg(*(of_level(level, name) for level in levels for name in SUMS))
    return totals.select("as_of", *(column for level in levels for column in _fitted(level)))


def _fitted(level: str) -> list[Column]:
    sends, clicks, send_pairs, click_pairs, mixed_pairs = (F.col(f"{level}_{name}") for name in SUMS)
    mean = mixed_pairs / send_pairs
    spread = click_pairs / send_pairs - mean * mean
    low, high = STRENGTH_RANGE
    strength = F.least(F.lit(high), F.greatest(F.lit(low), mean * (1 - mean) / spread - 1))
    return [
        (clicks / sends).alias(f"{level}_prior_rate"),
        F.when(spread > 0, strength).otherwise(F.lit(high)).alias(f"{level}_prior_strength"),
    ]
