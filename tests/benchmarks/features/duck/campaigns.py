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
    """Give SQL for what ``features.campaign_rhythm`` reads: sums by hour, then hours side by side."""
    names = {f"{count}_{days}d": (count, days) for days in WINDOWS for count in ("sends", "clicks")}
    sums = ", ".join(
        f"sum({count}) FILTER (known >= as_of - {days}) AS {name}" for name, (count, days) in names.items()
    )
    lists = ", ".join(
        f"list(coalesce({name}, 0)::INTEGER ORDER BY hour) AS campaign_hour_{count}_{days}d"
        for name, (count, days) in names.items()
    )
    return f"""
        WITH cells AS (
            SELECT campaign_id, known, hour(make_timestamp_ms(sent_ms)) AS hour, count(*) AS sends,
                   count_if(outcome = {CLICKED}) AS clicks
            FROM outcomes GROUP BY campaign_id, known, hour
        ), of_hours AS (
            SELECT campaign_id, as_of, hour, {sums}
            FROM cells JOIN midnights ON known < as_of AND known >= as_of - {MEMORY_DAYS}
            GROUP BY campaign_id, as_of, hour
        )
        SELECT campaign_id, as_of, {lists}
        FROM (SELECT DISTINCT campaign_id, as_of FROM of_hours) AS asked
             CROSS JOIN (SELECT unnest(range({HOURS})) AS hour) AS hours
             LEFT JOIN of_hours USING (campaign_id, as_of, hour)
        GROUP BY campaign_id, as_of"""
