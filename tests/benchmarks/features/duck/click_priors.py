"""Priors of click rates, by DuckDB: what ``features.priors`` fits, as of each of the table ``midnights``."""

from __future__ import annotations

from collections.abc import Sequence

from features.priors import STRENGTH_RANGE

LEVELS = {
    "user": ("user_id",),
    "device": ("device_id",),
    "device_model": ("model",),
    "os_version": ("os_version",),
    "campaign": ("campaign_id",),
    "campaign_platform": ("campaign_id", "platform"),
    "user_campaign": ("user_id", "campaign_id"),
    "user_category": ("user_id", "category"),
}


def click_prior(level: str) -> str:
    """Give SQL for the prior of a level, by midnight: sums of all keys by day, and the moments of what is known."""
    low, high = STRENGTH_RANGE
    return f"""
        WITH steps AS ({_steps(LEVELS[level])}), known AS (
            SELECT as_of, sum(sends) AS sends, sum(clicks) AS clicks, sum(mixed_pairs) / sum(send_pairs) AS mean,
                   sum(click_pairs) / sum(send_pairs) - mean * mean AS spread
            FROM midnights JOIN steps ON day < as_of GROUP BY as_of
        )
        SELECT as_of, clicks / sends AS {level}_prior_rate,
               CASE WHEN spread > 0 THEN least({high}, greatest({low}, mean * (1 - mean) / spread - 1))
                    ELSE {high} END AS {level}_prior_strength
        FROM known"""


def _steps(key: Sequence[str]) -> str:
    """Give by how much the sums grow each day; what the first midnight knows has the day before it."""
    of_key, is_whole = ", ".join(key), " AND ".join(f"{name} IS NOT NULL" for name in key)

    def grown(one: str, other: str, before: str, other_before: str) -> str:
        return f"sum({one} * ({other} - 1) - ({one} - {before}) * ({other} - {other_before} - 1))"

    return f"""
        WITH span AS (SELECT min(as_of) - 1 AS first, max(as_of) AS last FROM midnights), daily AS (
            SELECT {of_key}, greatest(known, first) AS day, sum(sends)::BIGINT AS sends, sum(clicks)::BIGINT AS clicks
            FROM pushed, span WHERE known < last AND {is_whole} GROUP BY {of_key}, day
        ), running AS (
            SELECT day, sends, clicks, (sum(sends) OVER so_far)::BIGINT AS s, (sum(clicks) OVER so_far)::BIGINT AS c
            FROM daily WINDOW so_far AS (PARTITION BY {of_key} ORDER BY day)
        )
        SELECT day, sum(sends) AS sends, sum(clicks) AS clicks, {grown("s", "s", "sends", "sends")} AS send_pairs,
               {grown("c", "c", "clicks", "clicks")} AS click_pairs,
               {grown("c", "s", "clicks", "sends")} AS mixed_pairs
        FROM running GROUP BY day"""
