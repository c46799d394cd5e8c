"""When users use the app, by DuckDB as of many midnights: what ``features.user_rhythm`` reads.

An hour of use, a day or a session's beginning counts for a span of midnights: from when it is known until it is
forgotten, or until what joins it to an earlier one is known. Spans are told once, and a request counts those that it
lies in. A span has no hole: rows of the same two weeks become known within less than ``MEMORY_DAYS`` of each other.
"""

from __future__ import annotations

from features.known_days import BREAK_DAYS, MS_PER_HOUR
from features.known_use import SETTLED_DAYS
from features.local_time import WEEK
from features.windows import MEMORY_DAYS
from tests.benchmarks.features.duck.midnights import Midnights
from tests.benchmarks.features.duck.rhythm import LOCAL, counts_by_bin, counts_by_window

SPAN = f"min(known) AS known, max(known) + {MEMORY_DAYS} AS known_last"
JOINED = "min(known) OVER before AS joined, max(known_last) OVER before AS joined_last"

BEGINNINGS = f"""
    WITH hours AS (SELECT user_id, day, hour, hour_of_week, {SPAN} FROM app_hours GROUP BY ALL)
    SELECT *, {LOCAL}, {JOINED} FROM hours WINDOW before AS (
        PARTITION BY user_id ORDER BY hour * {WEEK} + hour_of_week
        RANGE BETWEEN {WEEK} + hour_of_week PRECEDING AND 1 PRECEDING
    )"""
"""Hours of use; one that is joined to the hour before, or to itself by another local clock, begins no session."""

ACTIVE_DAYS = f"""
    WITH days AS (
        SELECT user_id, day, {SPAN}, min(known) FILTER (known - day <= {SETTLED_DAYS}) AS settled
        FROM app_hours GROUP BY user_id, day
    )
    SELECT *, {JOINED} FROM days WINDOW before AS (
        PARTITION BY user_id ORDER BY day
        RANGE BETWEEN INTERVAL {BREAK_DAYS} DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING
    )"""
"""Days of use; one that is joined to a day less than a break before is no return."""

SETTLED_SESSIONS = f"""
    WITH hours AS (
        SELECT user_id, day, hour, min(known) AS known FROM app_hours
        WHERE known - day <= {SETTLED_DAYS} GROUP BY user_id, day, hour
    ), in_order AS (
        SELECT *, hour - lag(hour) OVER of_day = 1 AS goes_on, lag(known) OVER of_day AS known_before
        FROM hours WINDOW of_day AS (PARTITION BY user_id, day ORDER BY hour)
    ), steps AS (
        SELECT user_id, known, 1 AS step FROM in_order
        UNION ALL
        SELECT user_id, greatest(known, known_before), -1 FROM in_order WHERE goes_on
    )
    SELECT user_id, known, sum(step) AS sessions FROM steps GROUP BY user_id, known"""
"""By how many the sessions of all time grow, on each day that something became known."""

TABLES = {"beginnings": BEGINNINGS, "active_days": ACTIVE_DAYS, "settled_sessions": SETTLED_SESSIONS}

IS_REMEMBERED = "as_of <= known_last"
IS_APART = "(joined < as_of AND as_of <= joined_last) IS NOT TRUE"


def days_of(midnights: Midnights) -> str:
    """Give a row for whoever ever used the app; the oldest day that is remembered is no return."""
    is_return = f"{IS_REMEMBERED} AND {IS_APART} AND day > as_of - {MEMORY_DAYS + 1 - BREAK_DAYS}"
    return f"""
        WITH counted AS (
            SELECT request, any_value(as_of) AS as_of, {counts_by_window("active_days", "as_of", IS_REMEMBERED)},
                   count(*) FILTER (settled < as_of) AS active_days_all,
                   max(day) FILTER ({is_return}) AS last_return, min(day) FILTER ({IS_REMEMBERED}) AS oldest
            FROM {midnights.rows("active_days")} WHERE {midnights.known()} GROUP BY request
        ), settled AS (
            SELECT request, CAST(sum(sessions) AS BIGINT) AS sessions_all
            FROM {midnights.rows("settled_sessions")} WHERE {midnights.known()} GROUP BY request
        )
        SELECT * FROM counted LEFT JOIN settled USING (request)"""


def sessions_of(midnights: Midnights) -> str:
    """Give sessions that are remembered, by window and by local hour."""
    return f"""
        SELECT request, {counts_by_bin("session")}, {counts_by_window("sessions", "as_of", "true")},
               max(hour) * {MS_PER_HOUR} AS last_session_ms
        FROM {midnights.rows("beginnings")}
        WHERE {midnights.known()} AND {IS_REMEMBERED} AND {IS_APART} GROUP BY request"""
