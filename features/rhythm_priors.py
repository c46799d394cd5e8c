"""Priors of rhythms: how the clicks or sessions of all users are spread over the day and the week, as of each midnight.

A user's shares of the hours of the day are taken as a draw of a Dirichlet distribution, those of the weekdays as one of
another. Both are fitted by empirical Bayes on what became known in ``MEMORY_DAYS`` before the midnight. The mean is the
share of each bin in all events. The strength is told by pairs of events of the same user, in which every user weighs
alike in both moments, as in ``features.priors``. With n of a user's N events in a bin, the share of pairs that share
their bin is a = sum n(n-1) / sum N(N-1) over users and bins, a bin's share is m = sum n(N-1) / sum N(N-1) over users,
and the strength, in events, is (1 - a) / (a - sum m^2) (the method of moments for the Dirichlet-multinomial, Mosimann
1962; with two bins it is that of ``features.priors``). It keeps to ``features.priors.STRENGTH_RANGE``, and is the upper
bound where users show no difference beyond chance, or no user has two events. Sums of bins of a Dirichlet distribution
follow one of the same strength, so what is fitted on hours holds for any hours together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.ascending import Integers
from features.local_time import HOURS, WEEKDAYS
from features.priors import STRENGTH_RANGE
from features.rhythm import prior_names
from features.rhythm_events import Events
from features.rhythm_moments import MOMENTS, SUMS, moment_rows, moments
from features.whole_owners import over_buckets
from features.windows import MEMORY_DAYS


def rhythm_priors(midnights: DataFrame, events: Mapping[str, Events]) -> DataFrame:
    """Fit the priors of all rhythms for each midnight.

    Parameters
    ----------
    midnights : DataFrame
        ``as_of`` (date), unique.
    events : mapping of str to Events
        By the first word of a rhythm's columns.

    Returns
    -------
    DataFrame
        ``as_of``, and for the hours and the weekdays of each rhythm ``PREFIX_hours_prior_shares`` (array of 24
        doubles), ``PREFIX_weekdays_prior_shares`` (of 7, Monday first) and ``..._prior_strength`` (events); null before
        the first event.
    """
    first, last = midnights.agg(F.min("as_of"), F.max("as_of")).first() or (None, None)

    def look(tables: Sequence[pa.Table], users: Sequence[Integers]) -> Iterator[pa.RecordBatch]:
        for kind, (table, user, hour) in enumerate(zip(tables, users, hours, strict=True)):
            if first and last and len(table):
                total = moments(table, user, hour(table), (first, last), MEMORY_DAYS)
                yield moment_rows(total, kind, first)

    hours = [of_kind.hour for of_kind in events.values()]
    summed = over_buckets([of_kind.rows for of_kind in events.values()], ["user_id"], look, MOMENTS)
    sums = summed.groupBy("as_of", "kind", "bin").agg(*(F.sum(name).alias(name) for name in SUMS))
    of_kind = sums.groupBy("as_of", "kind").agg(F.sort_array(F.collect_list(F.struct("bin", *SUMS))).alias("bins"))
    parts = {"hours": F.slice("bins", 1, HOURS), "weekdays": F.slice("bins", HOURS + 1, WEEKDAYS)}
    fitted = of_kind.select("as_of", "kind", *(_fitted(bins).alias(part) for part, bins in parts.items()))
    columns = [
        F.max(F.when(F.col("kind") == kind, F.col(f"{part}.{value}"))).alias(name)
        for kind, prefix in enumerate(events)
        for part in parts
        for value, name in zip(("shares", "strength"), prior_names(f"{prefix}_{part}"), strict=True)
    ]
    return midnights.join(fitted.groupBy("as_of").agg(*columns), "as_of", how="left")


def _fitted(bins: Column) -> Column:
    """Give shares and strength of an array of ``bin`` and ``SUMS``; null where nothing was counted."""

    def total(value: str) -> Column:
        return F.aggregate(bins, F.lit(0).cast("long"), lambda total, one: total + one[value])

    events, pairs = total("events"), total("mixed_pairs")
    alike = total("same_pairs") / pairs
    chance = F.aggregate(bins, F.lit(0.0), lambda total, one: total + F.pow(one["mixed_pairs"] / pairs, F.lit(2)))
    low, high = STRENGTH_RANGE
    strength = F.least(F.lit(high), F.greatest(F.lit(low), (1 - alike) / (alike - chance)))
    shares = F.transform(bins, lambda one: one["events"] / events)
    fitted = F.struct(shares.alias("shares"), F.when(alike > chance, strength).otherwise(F.lit(high)).alias("strength"))
    return F.when(events > 0, fitted)
