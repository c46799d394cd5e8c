"""How much a user uses the app."""

from __future__ import annotations

from functools import partial

from features.feature import Block
from features.push_history import count_features, hours_since
from features.windows import window_sums

BLOCK = Block(
    name="user_app_history",
    key=("user_id",),
    table="app_events",
    read=partial(
        window_sums, key=("user_id",), prefix="app", sums=("events", "duration_ms"), latest=("last_event_ms",)
    ),
    features=(
        *count_features("app", ("events", "duration_ms"), "in the app"),
        hours_since("app_hours_since_last_event", "app_last_event_ms", "the user's last app event"),
    ),
)
