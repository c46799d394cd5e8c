"""Counts of what lies in a window, an hour of the day or a weekday, by DuckDB; see ``features.rhythm.rhythm``."""

from __future__ import annotations

from features.local_time import HOURS, WEEKDAYS
from features.windows import USER_WINDOWS_DAYS

LOCAL = f"hour_of_week % {HOURS} AS local_hour, hour_of_week // {HOURS} AS weekday"
"""Made before they are counted: ``count_if`` of a column is much faster than a filter that computes it each time."""


def counts_by_window(name: str, as_of: str, counted: str) -> str:
    """Count rows with ``day`` that fulfil a condition."""
    return ", ".join(f"count_if({counted} AND day >= {as_of} - {days}) AS {name}_{days}d" for days in USER_WINDOWS_DAYS)


def counts_by_bin(prefix: str) -> str:
    """Count rows with ``LOCAL``: all, by hour of the day and by weekday."""

    def each(column: str, bins: int) -> str:
        return ", ".join(f"count_if({column} = {number})" for number in range(bins))

    return f"""count(*) AS {prefix}_total, [{each("local_hour", HOURS)}] AS {prefix}_hours,
               [{each("weekday", WEEKDAYS)}] AS {prefix}_weekdays"""


def no_counts(prefix: str) -> str:
    """Give the counts by bin of whoever has perhaps no such row."""
    return f"""coalesce({prefix}_total, 0) AS {prefix}_total,
               coalesce({prefix}_hours, list_resize([0], {HOURS}, 0)) AS {prefix}_hours,
               coalesce({prefix}_weekdays, list_resize([0], {WEEKDAYS}, 0)) AS {prefix}_weekdays"""
