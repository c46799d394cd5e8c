"""Priors of click rates, fitted by empirical Bayes on what was known before each midnight.

Rates of keys (users, campaigns, ...) are taken as draws of a beta distribution. Its moments come from integer sums over
all keys, with S sends and C clicks each known before T. The mean is sum C / sum S. The spread is told by pairs of sends
of the same key, in which every key weighs alike in both moments, or the large keys' distance from the mean would pass
for spread, or hide it: m = sum C(S-1) / sum S(S-1) and v = sum C(C-1) / sum S(S-1) - m^2. The strength, in sends, is
m(1 - m) / v - 1 (Casella 1985, "An introduction to empirical Bayes data analysis"; the method of moments for the
beta-binomial).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from features.feature import PAIR

STRENGTH_RANGE = (1.0, 10_000.0)
"""Bounds of a prior's strength in sends; the upper one is taken when keys show no spread beyond chance."""

OF_KEY = ("first", "second")
"""Columns of a key, which has one or two."""

PAIRS = {"send_pairs": ("sends", "sends"), "click_pairs": ("clicks", "clicks"), "mixed_pairs": ("clicks", "sends")}
"""What is counted twice over, each time one of the other; see `_pairs`."""

SUMS = ("sends", "clicks", *PAIRS)


def prior_steps(
    cells: DataFrame,
    keys: Mapping[str, Sequence[str]],
    midnights: DataFrame,
    old: Mapping[str, DataFrame],
    ended: Mapping[str, DataFrame],
) -> DataFrame:
    """Give by how much the five sums of each level grow on each day.

    What became known before the first midnight has the day that it ends: a night that asks about a few midnights has
    few days to add up, however old the log is.

    Parameters
    ----------
    cells : DataFrame
        Push partials with ``ds``.
    keys : mapping of str to sequence of str
        By level, the columns of its key; rows with a null there are left out of it.
    midnights : DataFrame
        ``as_of`` (date) of all that the steps are for.
    old : mapping of str to DataFrame
        By level, the partials of days before those of ``cells``, told apart by its key; empty where there are none.
    ended : mapping of str to DataFrame
        By level, ``ds`` and ``SUMS`` of keys that neither ``cells`` nor ``old`` have: spared the look at other days.

    Returns
    -------
    DataFrame
        ``level, ds``, ``SUMS`` (long): steps of sum S, sum C, sum S(S-1), sum C(C-1), sum C(S-1).
    """
    first = F.broadcast(midnights.agg(F.date_sub(F.min("as_of"), 1).alias("day_before")))

    def since_first(rows: DataFrame) -> DataFrame:
        return rows.crossJoin(first).withColumn("ds", F.greatest("ds", "day_before")).drop("day_before")

    def of_levels(rows: DataFrame, levels: Mapping[str, Sequence[str]]) -> DataFrame:
        return since_first(_of_levels(rows, levels))

    counts = [F.sum(name).alias(name) for name in ("sends", "clicks")]
    pairs = {level: key for level, key in keys.items() if tuple(key) == PAIR}  # most have one row: nothing to add up
    others = {level: key for level, key in keys.items() if level not in pairs}
    recent = of_levels(cells, others).groupBy("level", *OF_KEY, "ds").agg(*counts)
    apart = [*old.items(), *((level, cells) for level in pairs)]
    rest = (of_levels(rows, {level: keys[level]}) for level, rows in apart)
    daily = reduce(DataFrame.unionByName, rest, recent)  # several rows of a key and day are as good as one
    of_key = F.xxhash64("level", *OF_KEY), "level", *OF_KEY  # sorted by a number first: texts begin alike
    so_far = Window.partitionBy(*of_key).orderBy("ds").rowsBetween(Window.unboundedPreceding, 0)

    def pairs_step(one: str, other: str) -> Column:
        after, others_after = F.sum(one).over(so_far), F.sum(other).over(so_far)
        before, others_before = after - F.col(one), others_after - F.col(other)
        return _pairs(after, others_after) - _pairs(before, others_before)

    of_days = daily.select("level", "ds", *_sums(pairs_step))
    of_ended = (since_first(rows.select(F.lit(level).alias("level"), "ds", *SUMS)) for level, rows in ended.items())
    steps = reduce(DataFrame.unionByName, of_ended, of_days)
    return steps.groupBy("level", "ds").agg(*(F.sum(name).alias(name) for name in SUMS))


def sums_of_keys(totals: DataFrame) -> DataFrame:
    """Replace ``sends`` and ``clicks`` of keys, a row a key, by ``SUMS`` of each."""
    others = [name for name in totals.columns if name not in SUMS]
    return totals.select(*others, *_sums(lambda one, other: _pairs(F.col(one), F.col(other))))


def _sums(pairs: Callable[[str, str], Column]) -> list[Column]:
    return [F.col("sends"), F.col("clicks"), *(pairs(*two).alias(name) for name, two in PAIRS.items())]


def _pairs(one: Column, other: Column) -> Column:
    """Count pairs of two sends of a key, from totals of it."""
    return one * (other - 1)


def _of_levels(cells: DataFrame, keys: Mapping[str, Sequence[str]]) -> DataFrame:
    """Give ``ds, sends, clicks, level`` and ``OF_KEY``: each cell once for each level that has no null in it."""
    counted = [
        F.when(F.expr(" AND ".join(f"{name} IS NOT NULL" for name in key)), F.struct(
            F.lit(level).alias("level"), *(F.col(name).alias(at) for name, at in zip(key, OF_KEY, strict=False)),
            *(F.lit(None).cast("string").alias(at) for at in OF_KEY[len(key):]),
        ))
        for level, key in keys.items()
    ]  # fmt: skip
    named = cells.select("ds", "sends", "clicks", F.explode(F.array(*counted)).alias("of")).where("of IS NOT NULL")
    return named.select("ds", "sends", "clicks", "of.*")


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
