"""Priors of click rates, fitted by empirical Bayes on what was known before each midnight.

Rates of keys (users, campaigns, ...) are taken as draws of a beta distribution. Its first two moments come from integer
sums over all keys, with S sends and C clicks each known before T: E[p] = sum C / sum S and
E[p^2] = sum C(C-1) / sum S(S-1). With v = E[p^2] - E[p]^2 the strength, in sends, is E[p](1 - E[p]) / v - 1
(Casella 1985, "An introduction to empirical Bayes data analysis"; the method of moments for the beta-binomial).
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

STRENGTH_RANGE = (1.0, 10_000.0)
"""Bounds of a prior's strength in sends; the upper one is taken when keys show no spread beyond chance."""


def prior_steps(cells: DataFrame, *, key: Sequence[str]) -> DataFrame:
    """Give by how much the four sums grow on each day.

    Parameters
    ----------
    cells : DataFrame
        Push partials with ``ds``.
    key : sequence of str
        The level of the prior; rows with a null key are left out.

    Returns
    -------
    DataFrame
        ``ds``, ``sends, clicks, send_pairs, click_pairs`` (long): steps of sum S, sum C, sum S(S-1), sum C(C-1).
    """
    named = cells.where(" AND ".join(f"{name} IS NOT NULL" for name in key))
    daily = named.groupBy(*key, "ds").agg(F.sum("sends").alias("sends"), F.sum("clicks").alias("clicks"))
    so_far = Window.partitionBy(*key).orderBy("ds").rowsBetween(Window.unboundedPreceding, 0)

    def pairs_step(count: str) -> Column:
        after = F.sum(count).over(so_far)
        before = after - F.col(count)
        return after * (after - 1) - before * (before - 1)

    steps = daily.select(
        "ds", "sends", "clicks", pairs_step("sends").alias("send_pairs"), pairs_step("clicks").alias("click_pairs")
    )
    sums = ("sends", "clicks", "send_pairs", "click_pairs")
    return steps.groupBy("ds").agg(*(F.sum(name).alias(name) for name in sums))


def priors(midnights: DataFrame, steps: DataFrame, *, level: str) -> DataFrame:
    """Fit the prior of one level for each midnight.

    Parameters
    ----------
    midnights : DataFrame
        ``as_of`` (date), unique.
    steps : DataFrame
        What ``prior_steps`` gives; a row a day.
    level : str
        First word of the new columns.

    Returns
    -------
    DataFrame
        ``as_of``, ``LEVEL_prior_rate`` (null before the first send), ``LEVEL_prior_strength`` (sends).
    """
    totals = (
        midnights.join(F.broadcast(steps), F.col("ds") < F.col("as_of"), how="left")
        .groupBy("as_of")
        .agg(*(F.sum(name).alias(name) for name in ("sends", "clicks", "send_pairs", "click_pairs")))
    )
    rate = F.col("clicks") / F.col("sends")
    spread = F.col("click_pairs") / F.col("send_pairs") - rate * rate
    low, high = STRENGTH_RANGE
    fitted = F.least(F.lit(high), F.greatest(F.lit(low), rate * (1 - rate) / spread - 1))
    return totals.select(
        "as_of",
        rate.alias(f"{level}_prior_rate"),
        F.when(spread > 0, fitted).otherwise(F.lit(high)).alias(f"{level}_prior_strength"),
    )
