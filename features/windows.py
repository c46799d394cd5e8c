"""Sums over windows that end at midnight, for many midnights at once."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

WINDOWS_DAYS = (1, 7, 28)
ALL = "all"
MEMORY_DAYS = 90
"""What cannot be summed, like the order of pushes, is read from what became known in so many days before midnight."""

REMEMBERED = f"known in the {MEMORY_DAYS} days before midnight"


def window_names(prefix: str, measure: str, windows: Sequence[int] = WINDOWS_DAYS) -> list[str]:
    """Names of a measure's columns: one a window, in days, and one over all time."""
    return [f"{prefix}_{measure}_{days}d" for days in windows] + [f"{prefix}_{measure}_{ALL}"]


def window_sums(
    keys: DataFrame,
    cells: DataFrame,
    *,
    key: Sequence[str],
    prefix: str,
    sums: Sequence[str],
    latest: Sequence[str],
    windows: Sequence[int] = WINDOWS_DAYS,
) -> DataFrame:
    """Sum the cells that are known as of each midnight.

    Parameters
    ----------
    keys : DataFrame
        The key columns, ``as_of`` (date) and whatever else is to be kept (no ``ds``), unique.
    cells : DataFrame
        Partials: the key columns, ``event_day``, ``ds`` (day known), ``sums`` and ``latest``.
    key : sequence of str
        Columns that name the thing with a history.
    prefix : str
        First word of the new columns.
    sums, latest : sequence of str
        Columns to add up over each window and all time; columns to take the maximum of over all time.
    windows : sequence of int
        Lengths in days.

    Returns
    -------
    DataFrame
        The columns of ``keys``, ``PREFIX_SUM_1d`` ... ``PREFIX_SUM_all`` (long), ``PREFIX_LATEST``,
        ``PREFIX_first_day``. A window of W days holds event days from T - W to T - 1. Keys without any known cell have
        no row.
    """
    daily = cells.groupBy(*key, "event_day", "ds").agg(
        *(F.sum(name).alias(name) for name in sums), *(F.max(name).alias(name) for name in latest)
    )
    known = keys.join(daily, list(key), how="inner").where(
        (F.col("ds") < F.col("as_of")) & (F.col("event_day") < F.col("as_of"))
    )
    return known.groupBy(*keys.columns).agg(
        *(column for name in sums for column in _windows(prefix, name, windows)),
        *(F.max(name).alias(f"{prefix}_{name}") for name in latest),
        F.min("event_day").alias(f"{prefix}_first_day"),
    )


def _windows(prefix: str, name: str, windows: Sequence[int]) -> list[Column]:
    days = [
        F.sum(F.when(F.col("event_day") >= F.date_sub("as_of", days), F.col(name)).otherwise(F.lit(0)))
        for days in windows
    ]
    named = zip([*days, F.sum(name)], window_names(prefix, name, windows), strict=True)
    return [column.alias(alias) for column, alias in named]
