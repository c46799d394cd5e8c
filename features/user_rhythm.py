"""When the user uses the app: on how many days, in how many sessions, at which hours and on which weekdays."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from features.feature import Block, Feature, History
from features.known import Known
from features.known_days import BREAK_DAYS, COUNTED, DAY_COLUMNS, active_days
from features.known_use import SETTLED_DAYS, USE_COLUMNS, all_time_use, hours_of_use
from features.local_time import HOURS
from features.owner_streams import Question, Told
from features.push_history import hours_since
from features.rhythm import rhythm_columns, rhythm_features
from features.rhythm_events import OF_EVENTS, Events
from features.whole_owners import only
from features.windows import ALL, MEMORY_DAYS, REMEMBERED, USER_WINDOWS_DAYS

SESSIONS = "times that the user began to use the app after an hour of the clock or more without"
MEANING = dict(zip(COUNTED, ("days on which the user used the app", SESSIONS), strict=True))
IN_TIME = f"by what became known within {SETTLED_DAYS} days"
OF_ALL_TIME = {
    "active_days": f"{MEANING['active_days']}, {IN_TIME}",
    "sessions": f"{SESSIONS}, {IN_TIME}; one that goes on over midnight UTC counts twice",
}

IS_BACK = f"oldest_active_days <= {MEMORY_DAYS - BREAK_DAYS} AND app_first_day < date_sub(as_of, oldest_active_days)"
"""Who was there before the days that are read, and then only after a break of which enough lies in them."""


def _sessions(history: History) -> Events:
    def hour(rows: pa.Table) -> pa.ChunkedArray:
        days = rows.column("event_day").cast(pa.int32()).cast(pa.int64())
        return pc.add(pc.multiply(days, HOURS), rows.column("hour").cast(pa.int64()))

    return Events(only(history.user_rows("app_events"), (*OF_EVENTS, "event_day", "hour")), hour)


def _read(history: History) -> Told:
    columns = {**rhythm_columns("session"), **dict.fromkeys(DAY_COLUMNS, "bigint"), "oldest_active_days": "int"}
    columns |= dict.fromkeys(USE_COLUMNS, "bigint")
    return history.user_rows("app_events"), Question(_answer, columns)


def _answer(known: Known) -> dict[str, pa.Array]:
    lately = known.since(MEMORY_DAYS).only("known", "event_day", "hour", "hour_of_week")
    return {**active_days(hours_of_use(lately)), **all_time_use(known)}


BLOCK = Block(
    name="user_app_rhythm",
    key=("user_id",),
    table="app_events",
    read=_read,
    features=(
        *rhythm_features("session", "sessions"),
        *(
            Feature(
                f"user_{name}_{days}d", f"coalesce({name}_{days}d, 0)", "bigint", MEANING[name], "count",
                f"{days} days before midnight",
            )
            for name in COUNTED
            for days in USER_WINDOWS_DAYS
        ),
        *(
            Feature(f"user_{name}_{ALL}", f"coalesce({name}_{ALL}, 0)", "bigint", meaning, "count", "all time")
            for name, meaning in OF_ALL_TIME.items()
        ),
        hours_since("user_hours_since_last_session", "last_session_ms", "the hour in which the last session began"),
        Feature(
            "user_days_since_return", f"coalesce(days_since_return, if({IS_BACK}, oldest_active_days, null))", "int",
            f"days since the user used the app again after {BREAK_DAYS} of the last {MEMORY_DAYS} days or more without",
            "days", REMEMBERED, "never came back from such a break",
        ),
    ),
    rhythm="session",
    events=_sessions,
)  # fmt: skip
