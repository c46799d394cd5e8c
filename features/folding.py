"""What stands for old days: the same tables with the days that no window reaches any more folded into one.

Pushes fold to one cell a key, for each of a few keys, so that what asks about devices reads no campaigns; app events to
one cell a user and kind, two sums of a user's hours, and the last of these hours; change logs to the first and the last
change of each thing (a device: also with pushes on, and off, for ``features.returns``). A ``History`` holds folded rows
beside or among the later ones, so there is one way from rows to features, whatever stands behind it; every midnight
after ``last_foldable`` gets the features that it would have got from all days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TypeAlias

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from features.campaign import RECENT_DAYS
from features.feature import PAIR, Key
from features.known_use import SETTLED_DAYS
from features.user_rows import (
    APP_COUNTS,
    APP_LAST,
    FOLDED,
    OLD_CAMPAIGNS,
    OLD_CATEGORIES,
    PUSH_COUNTS,
    PUSHED_LAST,
    with_folded,
)
from features.windows import USER_WINDOWS_DAYS, added_up

LONGEST_WINDOW = max(*USER_WINDOWS_DAYS, *RECENT_DAYS)

PUSH_FOLDS: tuple[Key, ...] = (
    ("campaign_id", "platform"),
    ("model", "os_version", "platform"),
    ("user_id", "device_id"),
    ("user_id", "category"),
    PAIR,
    (*PAIR, "category"),
)
"""What folded pushes are told apart by, the fewest rows first; every reader of pushes finds its columns in one."""

Fold: TypeAlias = Callable[[DataFrame, date], DataFrame]


def last_foldable(as_of: date) -> date:
    """Give the last day that may be folded when no request is older than a midnight."""
    return as_of - timedelta(days=LONGEST_WINDOW + 1)


def folded(table: str, rows: DataFrame, until: date) -> DataFrame:
    """Fold rows that became known up to a day.

    Parameters
    ----------
    table : str
        Field of ``History``, one of ``FOLDS``.
    rows : DataFrame
        Rows of that table, some of them perhaps folded before.
    until : date
        The day, included.

    Returns
    -------
    DataFrame
        Rows like those of the table, with ``until`` as their ``ds``.
    """
    return _up_to(until, rows, FOLDS[table])


def folded_pushes(rows: DataFrame, key: Key, until: date) -> DataFrame:
    """Fold push partials by one of ``PUSH_FOLDS``, as `folded` does."""
    return _up_to(until, rows, _one_cell(key, PUSH_COUNTS, PUSHED_LAST))


def summed(old: Mapping[Key, DataFrame]) -> DataFrame:
    """Sum up folded pushes, given by ``PUSH_FOLDS``, by user.

    Returns
    -------
    DataFrame
        ``user_id, event_day`` (the oldest), ``ds`` (the newest), ``PUSH_COUNTS``, ``PUSHED_LAST``, ``OLD_CAMPAIGNS``
        (long: how many there were sent pushes of) and ``OLD_CATEGORIES`` (array: which ones).
    """
    pairs = old[PAIR].dropna(subset=list(PAIR)).where("sends > 0")
    sent = pairs.select("user_id", "event_day", "ds", F.lit(1).cast("long").alias(OLD_CAMPAIGNS))
    rows = old["user_id", "category"].unionByName(sent, allowMissingColumns=True)
    totals = (F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in (*PUSH_COUNTS, OLD_CAMPAIGNS))
    categories = F.sort_array(F.collect_set(F.when(F.col("sends") > 0, F.col("category"))))
    return rows.groupBy("user_id").agg(
        F.min("event_day").alias("event_day"),
        F.max("ds").alias("ds"),
        *totals,
        *(F.max(name).alias(name) for name in PUSHED_LAST),
        categories.alias(OLD_CATEGORIES),
    )


def _up_to(until: date, rows: DataFrame, fold: Fold) -> DataFrame:
    return fold(rows.where(F.col("ds") <= F.lit(until)), until).withColumn("ds", F.lit(until))


def _one_cell(key: Sequence[str], sums: Sequence[str], latest: Sequence[str]) -> Fold:
    """Add up the cells of a key; it is as old as the oldest."""

    def fold(cells: DataFrame, _: date) -> DataFrame:
        return cells.groupBy(*key).agg(
            F.min("event_day").alias("event_day"),
            *added_up(sums, latest),
        )

    return fold


def _first_and_last(key: Sequence[str], *state: str) -> Fold:
    """Keep the first and the last change of each key in each state, with all that happened at the same time."""

    def fold(log: DataFrame, _: date) -> DataFrame:
        changes = Window.partitionBy(*key, *state)
        ranked = log.select(
            "*",
            F.rank().over(changes.orderBy("updated_at")).alias("_from_first"),
            F.rank().over(changes.orderBy(F.desc("updated_at"), F.desc("ingested_at"))).alias("_from_last"),
        )
        return ranked.where("_from_first = 1 OR _from_last = 1").drop("_from_first", "_from_last")

    return fold


def _app_events(rows: DataFrame, until: date) -> DataFrame:
    """Add up events by kind; how much the app was used, which has no kind, and its last hours stand beside them."""
    of_kind = _one_cell(("user_id", "event_name"), APP_COUNTS, APP_LAST)
    cells = of_kind(rows.dropna(subset=["event_name"]), until)
    return cells.unionByName(_use(with_folded(rows), until), allowMissingColumns=True).fillna(0, [*APP_COUNTS, *FOLDED])


def _use(rows: DataFrame, until: date) -> DataFrame:
    """Add up the use of the days that are settled, and keep the hours of the others; see ``features.known_use``."""
    settled = F.lit(until - timedelta(days=SETTLED_DAYS))
    hours = rows.where(F.col("hour").isNotNull() & (F.datediff("ds", "event_day") <= SETTLED_DAYS))
    of_day = hours.where(F.col("event_day") <= settled).groupBy("user_id", "event_day")
    active = of_day.agg(F.expr("bit_or(shiftleft(1, hour))").alias("active"))
    begun = F.expr("bit_count(active & ~shiftleft(active, 1))").cast("long").alias("sessions")
    days = active.select("user_id", F.lit(1).cast("long").alias("active_days"), begun)
    folds = rows.where("active_days > 0").select("user_id", *FOLDED).unionByName(days)
    sums = folds.groupBy("user_id").agg(*(F.sum(name).alias(name) for name in FOLDED))
    kept = hours.where(F.col("event_day") > settled).groupBy("user_id", "event_day", "hour")
    last = kept.agg(F.min("hour_of_week").alias("hour_of_week"))
    return sums.withColumn("event_day", settled).unionByName(last, allowMissingColumns=True)


FOLDS: Mapping[str, Fold] = {
    "app_events": _app_events,
    "users": _first_and_last(("user_id",)),
    "devices": _first_and_last(("device_id", "user_id"), "push_enabled"),
    "campaigns": _first_and_last(("campaign_id",)),
}
"""By field of ``History``, beside pushes. What is not here is read from the days before midnight only."""
