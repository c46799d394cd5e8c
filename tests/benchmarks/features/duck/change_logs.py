"""What things were last known to be, by DuckDB; see ``features.change_logs``."""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks.features.duck.midnights import Midnights

STATES = {
    "user_profile": ("users", "user_id", ("signed_up_at", "country", "language", "timezone")),
    "device_state": (
        "devices",
        "device_id",
        ("platform", "os_version", "model", "brand", "network", "push_enabled", "updated_at"),
    ),
    "campaign_state": ("campaigns", "campaign_id", ("category", "title_length", "has_image")),
}
"""By block, the change log, its key and what is taken of a thing's last change."""

FIRST_MS = {"device_state": ", epoch_ms(min(updated_at)) AS device_first_ms"}


def state(block: str) -> Callable[[Midnights], str]:
    """Give the query for one of ``STATES``; of changes at the same time the greater one wins."""
    log, key, columns = STATES[block]
    named = ", ".join(columns)

    def query(midnights: Midnights) -> str:
        per = f"{key}, as_of" if midnights.are_many else key
        row = ", ".join(f"'{name}': {name}" for name in columns)
        taken = ", ".join(f"last.{name}" for name in columns)
        others = ", device_first_ms" if block in FIRST_MS else ""
        return f"""
            WITH last_changes AS (
                SELECT {per}, max_by({{{row}}}, (updated_at, ingested_at, {named})) AS last{FIRST_MS.get(block, "")}
                FROM {_changes(midnights, log, key)} WHERE {midnights.known()} GROUP BY {per}
            )
            SELECT {per}, {taken}{others} FROM last_changes"""

    return query


def user_devices(midnights: Midnights) -> str:
    """Give SQL for how many devices users have had, and when the newest one came; see ``features.user_devices``."""
    per = "user_id, as_of" if midnights.are_many else "user_id"
    return f"""
        WITH first_changes AS (
            SELECT {per}, device_id, min(updated_at) AS first FROM {_changes(midnights, "devices", "user_id")}
            WHERE {midnights.known()} GROUP BY {per}, device_id
        )
        SELECT {per}, count(*) AS user_devices, epoch_ms(max(first)) AS user_newest_device_ms
        FROM first_changes GROUP BY {per}"""


def _changes(midnights: Midnights, log: str, key: str) -> str:
    changes = f"(SELECT *, ds AS known FROM {log}) AS changes"
    return f"({midnights.asked(key)}) AS asked JOIN {changes} USING ({key})" if midnights.are_many else changes
