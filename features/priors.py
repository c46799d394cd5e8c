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
from datetime import date
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.ascending import Integers, ascending
from features.feature import is_pair
from features.known import SPAN, dates, day_numbers
from features.whole_owners import over_buckets
from features.windows import PERSONAL

STRENGTH_RANGE = (1.0, 10_000.0)
"""Bounds of a prior's strength in sends; the upper one is taken when keys show no spread beyond chance."""

OF_KEY = ("hash", "other_hash")
"""Two hashes of 64 bits that stand for a key, of whatever columns: no two keys of any log will share both."""

MOST_MET = 2_000_000
"""Most keys, of those that something became known of, that are sent to all who read rows."""

PAIRS = {"send_pairs": ("sends", "sends"), "click_pairs": ("clicks", "clicks"), "mixed_pairs": ("clicks", "sends")}
"""What is counted twice over, each time one of the other; see `_pairs`."""

SUMS = ("sends", "clicks", *PAIRS)

Keys: TypeAlias = Mapping[str, Sequence[str]]
"""By level, the columns of its key."""

STEPS = ", ".join(["level string", "ds date", *(f"{name} bigint" for name in SUMS)])
"""Spark SQL schema of steps."""


def prior_steps(cells: DataFrame, old: Mapping[str, DataFrame], keys: Keys, days: DataFrame) -> DataFrame:
    """Give by how much the five sums of each level grow on each day.

    What became known before the first day that is asked about has that day: who asks about a few days has few to add
    up, however old the log is.

    Parameters
    ----------
    cells : DataFrame
        Push partials with ``ds``.
    old : mapping of str to DataFrame
        By level, the partials of the days before those of ``cells``, told apart by its key; empty where there are none.
    keys : mapping of str to sequence of str
        By level, the columns of its key; rows with a null there are left out of it.
    days : DataFrame
        ``ds`` (date) of those that the steps are for.

    Returns
    -------
    DataFrame
        ``STEPS``: of sum S, sum C, sum S(S-1), sum C(C-1), sum C(S-1); a row a level and day.
    """
    first = F.broadcast(days.agg(F.min("ds").alias("first")))
    return _steps(cells, old, keys, lambda rows: rows.crossJoin(first))


def later_steps(cells: DataFrame, old: Mapping[str, DataFrame], keys: Keys, until: date) -> DataFrame:
    """Give the steps after a day, looking at those keys only of which something became known since.

    See `prior_steps`; ``old`` may lack what has no such key, and no days after ``until``.
    """
    is_later = F.col("ds") > F.lit(until)
    met = _of_levels(cells.where(is_later), keys).select(OF_KEY[0]).distinct()
    if met.limit(MOST_MET + 1).count() <= MOST_MET:
        met = F.broadcast(met)
    return _steps(cells, old, keys, lambda rows: rows.withColumn("first", F.lit(until)), met).where(is_later)


def _steps(
    cells: DataFrame,
    old: Mapping[str, DataFrame],
    keys: Keys,
    with_first: Callable[[DataFrame], DataFrame],
    met: DataFrame | None = None,
) -> DataFrame:
    """Give steps from a first day on, of keys with one of some hashes, or of all."""

    def dated(rows: DataFrame) -> DataFrame:
        return with_first(rows).withColumn("ds", F.greatest("ds", "first"))

    def of_levels(rows: DataFrame, levels: Keys) -> DataFrame:
        named = _of_levels(rows, levels)
        return named if met is None else named.join(met, OF_KEY[0], how="left_semi")

    counts = [F.sum(name).alias(name) for name in ("sends", "clicks")]
    pairs = {level: key for level, key in keys.items() if is_pair(key)}  # most have few rows
    shared = {level: key for level, key in keys.items() if not PERSONAL.intersection(key)}
    others = {level: key for level, key in keys.items() if level not in pairs and level not in shared}
    rows = [of_levels(dated(of_level), {level: keys[level]}) for level, of_level in old.items()]
    if pairs:
        rows.append(of_levels(dated(cells), pairs))
    if others:
        rows.append(of_levels(dated(cells), others).groupBy("level", *OF_KEY, "ds").agg(*counts))
    if shared:
        columns = {name for key in shared.values() for name in key}
        rows.append(of_levels(dated(cells).groupBy(*sorted(columns), "ds").agg(*counts), shared))
    steps = over_buckets([reduce(DataFrame.unionByName, rows)], OF_KEY, steps_of, STEPS)
    return steps.groupBy("level", "ds").agg(*(F.sum(name).alias(name) for name in SUMS))


def sums_at(days: DataFrame, levels: Sequence[str], steps: DataFrame) -> DataFrame:
    """Add steps up to the ends of days.

    Parameters
    ----------
    days : DataFrame
        ``ds`` (date), unique.
    levels : sequence of str
        The levels.
    steps : DataFrame
        See `prior_steps`.

    Returns
    -------
    DataFrame
        ``STEPS`` of each day and level: all that were made up to its end, 0 where there were none.
    """
    asked = days.select("ds", F.explode(F.array(*map(F.lit, levels))).alias("level"))
    made = F.broadcast(steps.withColumnRenamed("ds", "_made"))
    known = asked.join(made, (asked["level"] == made["level"]) & (F.col("_made") <= F.col("ds")), how="left")
    sums = (F.coalesce(F.sum(name), F.lit(0)).cast("long").alias(name) for name in SUMS)
    return known.groupBy(asked["level"], "ds").agg(*sums)


def _pairs(one: Any, other: Any) -> Any:
    """Count pairs of two sends of a key, from totals of it: columns or arrays."""
    return one * (other - 1)


def steps_of(tables: Sequence[pa.Table], keys: Sequence[Integers]) -> list[pa.RecordBatch]:
    """Give steps of all keys, several a level and day.

    Parameters
    ----------
    tables : sequence of pa.Table
        One, with ``level`` (string), ``ds`` (date), ``sends, clicks`` (long); any number of rows of a key and day.
    keys : sequence of ndarray
        Numbers of its keys.

    Returns
    -------
    list of RecordBatch
        ``STEPS``.
    """
    (table,), (key,) = tables, keys
    level = table.column("level").combine_chunks().dictionary_encode()
    day, of_level = day_numbers(table.column("ds")), level.indices.to_numpy().astype(np.int64)
    order = ascending(key, day)
    key, steps = key[order], {name: table.column(name).to_numpy()[order] for name in ("sends", "clicks")}
    after = {name: _so_far(values, key) for name, values in steps.items()}
    before = {name: after[name] - values for name, values in steps.items()}
    for name, (one, other) in PAIRS.items():
        steps[name] = _pairs(after[one], after[other]) - _pairs(before[one], before[other])
    found, of_step = np.unique((of_level * SPAN + day)[order], return_inverse=True)
    totals = np.zeros((len(SUMS), len(found)), dtype=np.int64)
    for place, name in enumerate(SUMS):
        np.add.at(totals[place], of_step, steps[name])
    level_found, day_found = (pa.array(numbers) for numbers in np.divmod(found, SPAN))
    columns = [level.dictionary.take(level_found), dates(day_found), *map(pa.array, totals)]
    return [pa.RecordBatch.from_arrays(columns, names=["level", "ds", *SUMS])]


def _so_far(values: Integers, key: Integers) -> Integers:
    """Add up a key's values to each of them; keys follow each other."""
    total = np.cumsum(values)
    begins = np.searchsorted(key, key)
    return np.asarray(total - (total - values)[begins])


def _of_levels(cells: DataFrame, keys: Keys) -> DataFrame:
    """Give ``ds, sends, clicks, level`` and ``OF_KEY``: each cell once for each level that has no null in it."""

    def of_key(level: str, key: Sequence[str]) -> Column:
        hashes = (F.xxhash64(F.lit(salt), F.lit(level), *key).alias(salt) for salt in OF_KEY)
        return F.struct(F.lit(level).alias("level"), *hashes)

    counted = [
        F.when(F.expr(" AND ".join(f"{name} IS NOT NULL" for name in key)), of_key(level, key))
        for level, key in keys.items()
    ]
    named = cells.select("ds", "sends", "clicks", F.explode(F.array(*counted)).alias("of")).where("of IS NOT NULL")
    return named.select("ds", "sends", "clicks", "of.*")


def priors(midnights: DataFrame, sums: DataFrame, levels: Sequence[str]) -> DataFrame:
    """Fit the priors of all levels for each midnight.

    Parameters
    ----------
    midnights : DataFrame
        ``as_of`` (date), unique.
    sums : DataFrame
        What ``sums_at`` gives of the days before them.
    levels : sequence of str
        First words of the new columns.

    Returns
    -------
    DataFrame
        ``as_of``, and for each level ``LEVEL_prior_rate`` (null before the first send), ``LEVEL_prior_strength``
        (sends).
    """

    def of_level(level: str, name: str) -> Column:
        return F.max(F.when(F.col("level") == level, F.col(name))).alias(f"{level}_{name}")

    known = midnights.withColumn("ds", F.date_sub("as_of", 1)).join(F.broadcast(sums), "ds", how="left")
    of_levels = known.groupBy("as_of").agg(*(of_level(level, name) for level in levels for name in SUMS))
    return of_levels.select("as_of", *(column for level in levels for column in _fitted(level)))


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
