"""Campaigns' ranks and hours, by DuckDB as of each of the table ``midnights``: few rows, once summed up by day."""

from __future__ import annotations

from features.campaign_rank import ACTIVE_DAYS
from features.campaign_rhythm import WINDOWS
from features.local_time import HOURS
from features.outcomes import CLICKED
from features.windows import MEMORY_DAYS
from tests.benchmarks.features.duck.midnights import Midnights


def campaign_rank(_: Midnights) -> str:
    """Give SQL for what ``features.campaign_rank`` reads."""
    return f"""
        WITH cells AS (
            SELECT campaign_id, event_day, known, sum(sends) AS sends, sum(clicks) AS clicks FROM pushed
            GROUP BY campaign_id, event_day, known
        )
        SELECT campaign_id, as_of, rank() OVER (PARTITION BY as_of ORDER BY sum(clicks) DESC) AS campaign_rank,
               count(*) OVER (PARTITION BY as_of) AS campaigns_active
        FROM cells JOIN midnights ON known < as_of AND event_day >= as_of - {ACTIVE_DAYS}
        GROUP BY campaign_id, as_of HAVING sum(sends) > 0"""


def campaign_rhythm(_: Midnights) -> str:
    """Give SQL for what ``features.campaign_rhythm`` reads."""
    counts = ", ".join(
        f"{_by_hour(count, days)} AS campaign_hour_{count}_{days}d" for days in WINDOWS for count in ("sends", "clicks")
    )
    return f"""
        WITH cells AS (
            SELECT campaign_id, known, hour(make_timestamp_ms(sent_ms)) AS hour, count(*) AS sends,
                   count_if(outcome = {CLICKED}) AS clicks
            FROM outcomes GROUP BY campaign_id, known, hour
        )
        SELECT campaign_id, as_of, {counts}
        FROM cells JOIN midnights ON known < as_of AND known >= as_of - {MEMORY_DAYS} GROUP BY campaign_id, as_of"""


def _by_hour(count: str, days: int) -> str:
    inside = f"known >= as_of - {days}"
    sums = (f"coalesce(sum({count}) FILTER (hour = {hour} AND {inside}), 0)::INTEGER" for hour in range(HOURS))
    return f"[{', '.join(sums)}]"
