"""Counts by window of what has a history, as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.campaign import RECENT_DAYS
from features.windows import ALL, USER_WINDOWS_DAYS, WINDOWS_DAYS


@dataclass(frozen=True)
class Rebuilt:
    """A history: the columns of its key, what is summed and what is the latest."""

    key: tuple[str, ...]
    prefix: str
    source: str = "pushed"
    sums: tuple[str, ...] = ("sends", "clicks", "dismissals")
    latest: tuple[str, ...] = ("last_sent_ms", "last_clicked_ms")
    windows: tuple[int, ...] = WINDOWS_DAYS


HISTORIES = {
    "user_history": Rebuilt(("user_id",), "user", windows=USER_WINDOWS_DAYS),
    "device_history": Rebuilt(("device_id",), "device"),
    "campaign_history": Rebuilt(("campaign_id",), "campaign", windows=RECENT_DAYS),
    "user_campaign_history": Rebuilt(("user_id", "campaign_id"), "user_campaign"),
    "user_category_history": Rebuilt(("user_id", "category"), "user_category"),
    "user_app_history": Rebuilt(
        ("user_id",), "app", "used", ("events", "duration_ms"), ("last_event_ms",), USER_WINDOWS_DAYS
    ),
}


def sums_of(history: Rebuilt, first_days: Mapping[int, str]) -> str:
    """Give SQL for the columns of a history; windows begin on days that are SQL, too."""
    since = {f"{days}d": f"event_day >= {first}" for days, first in first_days.items()}
    sums = [
        f"CAST(sum(CASE WHEN {inside} THEN {name} ELSE 0 END) AS BIGINT) AS {history.prefix}_{name}_{window}"
        for name in history.sums
        for window, inside in since.items()
    ]
    sums += [f"CAST(sum({name}) AS BIGINT) AS {history.prefix}_{name}_{ALL}" for name in history.sums]
    latest = [f"max({name}) AS {history.prefix}_{name}" for name in history.latest]
    return ", ".join([*sums, *latest, f"min(event_day) AS {history.prefix}_first_day"])
