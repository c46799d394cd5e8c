"""Sums over windows that end at midnight, for many midnights at once."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.known import Known
from features.known_windows import windows_of
from features.owner_streams import Question, Told

WINDOWS_DAYS = (1, 7, 28)
ALL = "all"
MEMORY_DAYS = 90
"""What cannot be summed, like the order of pushes, is read from what became known in so many days before midnight."""

REMEMBERED = f"known in the {MEMORY_DAYS} days before midnight"

USER_WINDOWS_DAYS = (*WINDOWS_DAYS, MEMORY_DAYS)
"""Of a user, whose habits take months to see."""

PERSONAL = frozenset({"user_id", "device_id"})
"""Of these, each has few cells a day; those of all else are added up before they meet."""


def window_names(prefix: str, measure: str, windows: Sequence[int] = WINDOWS_DAYS) -> list[str]:
    """Names of a measure's columns: one a window, in days, and one over all time."""
    return [f"{prefix}_{measure}_{days}d" for days in windows] + [f"{prefix}_{measure}_{ALL}"]


def added_up(sums: Sequence[str], latest: Sequence[str]) -> list[Column]:
    """Give, of the rows of a group, the sums of columns and the greatest values of others, by the same names."""
    return [*(F.sum(name).alias(name) for name in sums), *(F.max(name).alias(name) for name in latest)]


def window_sums(
    cells: DataFrame,
    *,
    key: Sequence[str],
    prefix: str,
    sums: Sequence[str],
    latest: Sequence[str],
    windows: Sequence[int] = WINDOWS_DAYS,
    others: Sequence[str] = (),
) -> Told:
    """Ask for sums of the cells that are known as of each midnight.

    Parameters
    ----------
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
    others : sequence of str
        Columns to keep beside them, of ``PERSONAL`` keys only.

    Returns
    -------
    Told
        Asked for are ``PREFIX_SUM_1d`` ... ``PREFIX_SUM_all`` (long), ``PREFIX_LATEST``, ``PREFIX_first_day``. A window
        of W days holds event days from T - W to T - 1.
    """
    rows = cells.select(*key, "event_day", F.greatest("ds", "event_day").alias("known"), *sums, *latest, *others)
    if not PERSONAL.intersection(key):
        rows = rows.groupBy(*key, "event_day", "known").agg(*added_up(sums, latest))
    return rows, sums_asked(prefix, sums, latest, windows)


def sums_asked(
    prefix: str, sums: Sequence[str], latest: Sequence[str], windows: Sequence[int] = WINDOWS_DAYS
) -> Question:
    """Ask for what `window_sums` does of rows with ``known``, ``event_day``, ``sums`` and ``latest``."""
    counts = [name for measure in sums for name in window_names(prefix, measure, windows)]
    columns = dict.fromkeys([*counts, *(f"{prefix}_{name}" for name in latest)], "bigint")

    def answer(known: Known) -> dict[str, pa.Array]:
        return windows_of(known, prefix, sums, latest, windows)

    return Question(answer, {**columns, f"{prefix}_first_day": "date"})
