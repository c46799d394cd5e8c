"""How much a user uses the app."""

from __future__ import annotations

from features.feature import Block, History
from features.owner_streams import Told
from features.push_history import count_features, hours_since
from features.windows import USER_WINDOWS_DAYS, window_sums


def _read(history: History) -> Told:
    sums, latest = ("events", "duration_ms"), ("last_event_ms",)
    cells = history.table("app_events")
    return window_sums(cells, key=("user_id",), prefix="app", sums=sums, latest=latest, windows=USER_WINDOWS_DAYS)


BLOCK = Block(
    name="user_app_history",
    key=("user_id",),
    table="app_events",
    read=_read,
    features=(
        *count_features("app", ("events", "duration_ms"), "in the app", USER_WINDOWS_DAYS),
        hours_since("app_hours_since_last_event", "app_last_event_ms", "the user's last app event"),
    ),
)
