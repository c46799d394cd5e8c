"""How much a user uses the app, and for what."""

from __future__ import annotations

import pyarrow as pa

from features.feature import Block, Feature, History
from features.known import Known
from features.known_things import distinct_things, most_of_one_thing
from features.owner_streams import Question, Told
from features.push_history import count_features, hours_since, window_text
from features.user_rows import APP_COUNTS, APP_LAST
from features.windows import USER_WINDOWS_DAYS, sums_asked, window_names

TOP_DAYS = 28
"""Window, in days, of the most frequent kind; one of ``USER_WINDOWS_DAYS``."""

OF_TOP_KIND = "app_events_of_top_kind"


def _read(history: History) -> Told:
    counted, kind = sums_asked("app", APP_COUNTS, APP_LAST, USER_WINDOWS_DAYS), "event_name"

    def answer(known: Known) -> dict[str, pa.Array]:
        kinds = distinct_things(known, kind, "app", "kinds", USER_WINDOWS_DAYS)
        return {**counted.answer(known), **kinds, OF_TOP_KIND: most_of_one_thing(known, kind, "events", TOP_DAYS)}

    counts = (*window_names("app", "kinds", USER_WINDOWS_DAYS), OF_TOP_KIND)
    return history.user_rows("app_events"), Question(answer, {**counted.columns, **dict.fromkeys(counts, "bigint")})


BLOCK = Block(
    name="user_app_history",
    key=("user_id",),
    table="app_events",
    read=_read,
    features=(
        *count_features("app", APP_COUNTS, "in the app", USER_WINDOWS_DAYS),
        hours_since("app_hours_since_last_event", "app_last_event_ms", "the user's last app event"),
        *count_features("app", ("kinds",), "of events in the app", USER_WINDOWS_DAYS),
        Feature(
            f"app_top_kind_share_{TOP_DAYS}d", f"{OF_TOP_KIND} / nullif(app_events_{TOP_DAYS}d, 0)", "double",
            "share of the most frequent kind among the user's app events", "share", window_text(f"{TOP_DAYS}d"),
            "did not use the app",
        ),
    ),
)  # fmt: skip
