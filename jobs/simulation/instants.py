"""Instants as whole milliseconds since 1970 UTC: what the simulator computes with."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pyspark.sql import Column
from pyspark.sql import functions as F

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FIRST_SUNDAY = 3  # 1970-01-04, in days since 1970-01-01


def epoch_ms(day: date) -> int:
    """Give the midnight (UTC) that begins a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def local_to_utc(local_ms: Column, timezone: Column) -> Column:
    """Turn what a clock shows in an IANA time zone into an instant."""
    return F.unix_millis(F.to_utc_timestamp(F.timestamp_millis(local_ms), timezone))


def is_weekend(local_ms: Column) -> Column:
    """Tell whether a local time falls on Saturday or Sunday."""
    days_after_sunday = F.pmod(F.floor(local_ms / DAY_MS) - FIRST_SUNDAY, F.lit(7))
    return days_after_sunday.isin(0, 6)
