"""Of how many things users' pushes and app events were, by DuckDB: what was sent of, and which kinds of events.

A thing lies in a window when its newest row does, so each is looked at once: ``count(DISTINCT)`` of every window would
take several times as long.
"""

from __future__ import annotations

from features.user_activity import THINGS
from features.user_app_activity import OF_TOP_KIND, TOP_DAYS
from tests.benchmarks.features.duck.midnights import Midnights
from tests.benchmarks.features.duck.rhythm import counts_by_window


def push_variety(midnights: Midnights) -> str:
    """Give SQL for the campaigns and categories that users were sent pushes of."""
    campaigns, categories = (
        _distinct(midnights, "pushed", thing, f"user_{things}", "sends > 0") for thing, things in THINGS.items()
    )
    return midnights.named(f"SELECT * FROM ({campaigns}) JOIN ({categories}) USING ({midnights.per})")


def app_variety(midnights: Midnights) -> str:
    """Give SQL for the kinds of app events, and how often there was the most frequent one."""
    in_window = f"event_day >= {midnights.as_of} - {TOP_DAYS}"
    top = f", coalesce(max(n), 0) AS {OF_TOP_KIND}"
    times = f", count(*) FILTER ({in_window}) AS n"
    return midnights.named(_distinct(midnights, "used", "event_name", "app_kinds", "true", times, top))


def _distinct(
    midnights: Midnights, source: str, thing: str, name: str, counted: str, of_thing: str = "", of_all: str = ""
) -> str:
    """Count the values of a column by window; more can be told of each, and of all."""
    per, as_of = midnights.per, midnights.as_of
    return f"""
        WITH things AS (
            SELECT {per}, any_value({as_of}) AS midnight,
                   max(event_day) FILTER ({counted} AND {thing} IS NOT NULL) AS day{of_thing}
            FROM {midnights.rows(source)} WHERE {midnights.known()} AND user_id IS NOT NULL GROUP BY {per}, {thing}
        )
        SELECT {per}, {counts_by_window(name, "midnight", "true")}, count(day) AS {name}_all{of_all}
        FROM things GROUP BY {per}"""
