"""When users use the app, by DuckDB as of one midnight: what ``features.user_rhythm`` reads."""

from __future__ import annotations

from features.known_days import BREAK_DAYS, MS_PER_HOUR
from features.known_use import SETTLED_DAYS
from features.local_time import HOURS
from features.windows import MEMORY_DAYS
from tests.benchmarks.features.duck.rhythm import LOCAL, counts_by_bin, counts_by_window


def days_of(as_of: str) -> str:
    """Give a row for whoever ever used the app; hours of a settled day are bits."""
    is_return = f"is_remembered AND is_return AND day > {as_of} - {MEMORY_DAYS + 1 - BREAK_DAYS}"
    return f"""
        WITH days AS (
            SELECT user_id, day, max(known) >= {as_of} - {MEMORY_DAYS} AS is_remembered,
                   bit_or(1 << (hour % {HOURS})) FILTER (date_diff('day', day, known) <= {SETTLED_DAYS}) AS settled
            FROM app_hours WHERE known < {as_of} GROUP BY user_id, day
        ), in_order AS (
            SELECT *, date_diff('day', lag(day) OVER of_user, day) > {BREAK_DAYS} AS is_return
            FROM days WINDOW of_user AS (PARTITION BY user_id, is_remembered ORDER BY day)
        )
        SELECT user_id, {counts_by_window("active_days", as_of, "is_remembered")}, count(settled) AS active_days_all,
               max(day) FILTER ({is_return}) AS last_return, min(day) FILTER (is_remembered) AS oldest,
               CAST(sum(bit_count(settled & ~(settled << 1))) AS BIGINT) AS sessions_all
        FROM in_order GROUP BY user_id"""


def sessions_of(as_of: str) -> str:
    """Give sessions that are remembered, by window and by local hour."""
    return f"""
        WITH hours AS (
            SELECT user_id, day, hour, min(hour_of_week) AS hour_of_week FROM app_hours
            WHERE known < {as_of} AND known >= {as_of} - {MEMORY_DAYS} GROUP BY user_id, day, hour
        ), in_order AS (
            SELECT *, {LOCAL}, hour - lag(hour) OVER (PARTITION BY user_id ORDER BY hour) = 1 AS goes_on FROM hours
        )
        SELECT user_id, {counts_by_bin("session")}, {counts_by_window("sessions", as_of, "true")},
               max(hour) * {MS_PER_HOUR} AS last_session_ms
        FROM in_order WHERE goes_on IS NOT TRUE GROUP BY user_id"""
