"""When users use the app, by DuckDB: what ``features.user_rhythm`` reads, as of one midnight or of many."""

from __future__ import annotations

from features.windows import MEMORY_DAYS, USER_WINDOWS_DAYS
from tests.benchmarks.features.duck import rhythm_once, rhythm_spans
from tests.benchmarks.features.duck.midnights import Midnights
from tests.benchmarks.features.duck.rhythm import no_counts


def user_rhythm(midnights: Midnights) -> str:
    """Give SQL for ``features.known_days.DAY_COLUMNS``, ``features.known_use.USE_COLUMNS`` and the rhythm of sessions.

    For many midnights it reads ``rhythm_spans.TABLES``.
    """
    per, as_of = midnights.per, midnights.as_of
    active_days = ", ".join(f"active_days_{days}d" for days in USER_WINDOWS_DAYS)
    sessions = ", ".join(f"coalesce(sessions_{days}d, 0) AS sessions_{days}d" for days in USER_WINDOWS_DAYS)
    days_of, sessions_of = _parts(midnights)
    return midnights.named(f"""
        WITH days_of AS ({days_of}), sessions_of AS ({sessions_of})
        SELECT {per}, {active_days}, active_days_all, {sessions}, coalesce(sessions_all, 0) AS sessions_all,
               date_diff('day', nullif(last_return, oldest), {as_of}) AS days_since_return,
               least(date_diff('day', oldest, {as_of}), {MEMORY_DAYS + 1}) AS oldest_active_days,
               last_session_ms, {no_counts("session")}
        FROM days_of LEFT JOIN sessions_of USING ({per})""")


def _parts(midnights: Midnights) -> tuple[str, str]:
    if midnights.are_many:
        return rhythm_spans.days_of(midnights), rhythm_spans.sessions_of(midnights)
    return rhythm_once.days_of(midnights.as_of), rhythm_once.sessions_of(midnights.as_of)
