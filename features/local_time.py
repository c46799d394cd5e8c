"""Hours and weekdays in the user's own time zone, as it was known on the day that an event became known."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.change_logs import states, with_state_then

HOURS, WEEKDAYS = 24, 7
WEEK = HOURS * WEEKDAYS

THURSDAY = 3
"""Weekday of 1970-01-01, where Monday is 0."""


def with_zone_then(rows: DataFrame, users: DataFrame | None) -> DataFrame:
    """Add ``timezone``, the user's as known at the end of ``ds``; null where it is not known.

    Parameters
    ----------
    rows : DataFrame
        With ``user_id`` and ``ds``.
    users : DataFrame, optional
        The change log with ``ds``; none where the log has no such table.
    """
    if users is None:
        return rows.withColumn("timezone", F.lit(None).cast("string"))
    return with_state_then(rows, states(users, key="user_id", columns=("timezone",)), key="user_id", day="ds")


def zone_of(rows: DataFrame) -> Column:
    """Give the ``timezone`` of rows; UTC where it is null, and in logs without users, which have no such column."""
    return F.coalesce("timezone", F.lit("UTC")) if "timezone" in rows.columns else F.lit("UTC")


def hour_of_week(time: Column) -> Column:
    """Hours since Monday 00:00 of a time, by the clocks of ``timezone`` (null means UTC): 0 to 167."""
    local = F.from_utc_timestamp(time, F.coalesce("timezone", F.lit("UTC")))
    return F.pmod(F.floor(F.unix_millis(local) / 3_600_000) + THURSDAY * HOURS, F.lit(WEEK)).cast("int")
