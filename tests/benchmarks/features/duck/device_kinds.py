"""How pushes did on kinds of devices, by DuckDB as of each of the table ``midnights``."""

from __future__ import annotations

from collections.abc import Callable

from features.os_version import VERSION_NUMBER
from tests.benchmarks.features.duck.midnights import Midnights
from tests.benchmarks.features.histories import Rebuilt, sums_of

KINDS = {
    "device_model_history": Rebuilt(("model",), "device_model", windows=(28,)),
    "os_version_history": Rebuilt(("os_version",), "os_version", windows=(28,)),
    "campaign_platform_history": Rebuilt(("campaign_id", "platform"), "campaign_platform", windows=(7,)),
}


def kind_history(name: str) -> Callable[[Midnights], str]:
    """Give the query for one of ``KINDS``, of which there are few: they are summed up by day before midnights ask."""
    kind = KINDS[name]
    key, is_whole = ", ".join(kind.key), " AND ".join(f"{name} IS NOT NULL" for name in kind.key)
    sums = ", ".join(f"sum({name}) AS {name}" for name in kind.sums)
    latest = ", ".join(f"max({name}) AS {name}" for name in kind.latest)
    windows = sums_of(kind, {days: f"as_of - {days}" for days in kind.windows})

    def query(_: Midnights) -> str:
        return f"""
            WITH cells AS (
                SELECT {key}, event_day, known, {sums}, {latest} FROM pushed
                WHERE {is_whole} GROUP BY {key}, event_day, known
            )
            SELECT {key}, as_of, {windows} FROM cells JOIN midnights ON known < as_of GROUP BY {key}, as_of"""

    return query


def os_version_rank(_: Midnights) -> str:
    """Give SQL for how many versions are newer; see ``features.os_version``."""
    return f"""
        WITH versions AS (
            SELECT platform, os_version, {VERSION_NUMBER} AS number, min(known) AS seen FROM pushed
            WHERE sends > 0 GROUP BY platform, os_version
        ), numbers AS (
            SELECT platform, number AS other, min(seen) AS other_seen FROM versions GROUP BY platform, number
        )
        SELECT platform, os_version, as_of, count(*) - 1 AS os_versions_newer
        FROM versions JOIN numbers USING (platform) JOIN midnights ON seen < as_of AND other_seen < as_of
        WHERE other >= number AND os_version IS NOT NULL GROUP BY platform, os_version, as_of"""
