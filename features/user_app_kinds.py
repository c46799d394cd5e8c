"""How often a user did what the log's owner cares about: app events of named kinds, each by window.

Kinds are the log's own words. Those that a mapping names are counted apart; embeddings learn from all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from features.feature import Block, Feature, History
from features.known import Known
from features.known_windows import windows_of
from features.owner_streams import Question, Told
from features.push_history import count_features, hours_since
from features.windows import USER_WINDOWS_DAYS, window_names

KIND = "app_events:"
"""``app_events:purchase`` among the tables of a log says that events of this kind are counted apart."""


def kinds_in(tables: Collection[str]) -> list[str]:
    """Give the kinds among the tables of a log, sorted."""
    return sorted(name.removeprefix(KIND) for name in tables if name.startswith(KIND))


def block(kinds: Sequence[str]) -> Block:
    """Give the block of these kinds; each is letters, digits and underscores."""
    prefixes = {kind: f"app_{kind}" for kind in kinds}

    def read(history: History) -> Told:
        counts = [name for prefix in prefixes.values() for name in window_names(prefix, "events", USER_WINDOWS_DAYS)]
        last = [f"{prefix}_last_event_ms" for prefix in prefixes.values()]
        return history.user_rows("app_events"), Question(answer, dict.fromkeys([*counts, *last], "bigint"))

    def answer(known: Known) -> dict[str, pa.Array]:
        columns: dict[str, pa.Array] = {}
        known = known.only("event_name", "known", "event_day", "events", "last_event_ms")
        for kind, prefix in prefixes.items():
            is_kind = pc.equal(known.rows.column("event_name"), kind).fill_null(False)
            of_kind = known.where(is_kind.to_numpy())
            columns |= windows_of(of_kind, prefix, ("events",), ("last_event_ms",), USER_WINDOWS_DAYS)
        return columns

    def features(kind: str, prefix: str) -> list[Feature]:
        last = hours_since(f"{prefix}_hours_since_last", f"{prefix}_last_event_ms", f"the user's last {kind}")
        return [*count_features(prefix, ("events",), f"of the kind {kind}", USER_WINDOWS_DAYS), last]

    found = tuple(feature for kind, prefix in prefixes.items() for feature in features(kind, prefix))
    return Block(name="user_app_kinds", key=("user_id",), table="app_events", read=read, features=found)
