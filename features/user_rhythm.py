"""At which hours and on which weekdays the user clicks and uses the app, and on how many days.

All times of day are UTC, those of the past and that of the send: what lies two hours before or after it does so in
every time zone, and the entropy of hours does not change when the clock is shifted. Only a user who moved, or changed
to summer time, is off by that shift. The send's hour in the user's own zone is ``local_hour``.
"""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

from features.feature import Block, Feature, History
from features.known_counts import dense_sums
from features.known_days import BREAK_DAYS, COUNTED_IN, DAY_COLUMNS, HOURS, active_days
from features.owner_streams import Integers, Known, Question, Told
from features.windows import MEMORY_DAYS, REMEMBERED

NEAR_HOURS = 2
WEEKDAYS = 7
WEEK = HOURS * WEEKDAYS
THURSDAY = 3
"""Weekday of 1970-01-01, where Monday is 0."""

MEANING = {
    "active_days": "days on which the user used the app",
    "sessions": "times that the user began to use the app after an hour of the clock or more without",
}


def rhythm_columns(prefix: str) -> dict[str, str]:
    """Name and type what ``rhythm`` gives."""
    return {f"{prefix}_total": "bigint", f"{prefix}_hours": "array<bigint>", f"{prefix}_weekdays": "array<bigint>"}


def hour_of_week(time_ms: Column) -> Column:
    """Hours since Monday 00:00 UTC, 0 to 167, of a time in milliseconds since 1970."""
    return F.pmod(F.floor(time_ms / 3_600_000) + THURSDAY * HOURS, F.lit(WEEK)).cast("int")


def rhythm(known: Known, prefix: str) -> dict[str, pa.Array]:
    """Sum known cells with ``hour_of_week`` and ``count`` by hour of the day and by weekday."""
    counts = dense_sums(known, "hour_of_week", "count", WEEK)
    by_day = counts.reshape(-1, WEEKDAYS, HOURS)
    sums = (pa.array(counts.sum(axis=1)), as_lists(by_day.sum(axis=1)), as_lists(by_day.sum(axis=2)))
    return dict(zip(rhythm_columns(prefix), sums, strict=True))


def as_lists(counts: Integers) -> pa.Array:
    """Give a row of counts, of shape (n_requests, n_counts), as a list a request."""
    return pa.FixedSizeListArray.from_arrays(pa.array(counts.ravel()), counts.shape[1]).cast(pa.list_(pa.int64()))


def _read_app(history: History) -> Told:
    known = F.greatest("ds", "event_day").alias("known")
    at = (F.weekday("event_day") * HOURS + F.col("hour")).alias("hour_of_week")
    counted = (at, F.col("events").alias("count"))
    cells = history.table("app_hours").select("user_id", known, "event_day", "hour", *counted)

    def answer(known: Known) -> dict[str, pa.Array]:
        return {**rhythm(known, "app"), **active_days(known)}

    columns = {**rhythm_columns("app"), **dict.fromkeys(DAY_COLUMNS, "bigint")}
    return cells, Question(answer, columns, MEMORY_DAYS)


def near_hour(hours: str) -> str:
    """Give SQL for the sum of an array of 24 counts within ``NEAR_HOURS`` of the send's hour."""
    around = range(-NEAR_HOURS, NEAR_HOURS + 1)
    return " + ".join(f"{hours}[pmod(hour(send_at) + {shift}, {HOURS})]" for shift in around)


def entropy(counts: str, total: str) -> str:
    """Give SQL for the entropy of an array of counts, null for none."""
    terms = f"aggregate({counts}, 0D, (sum, n) -> sum - if(n > 0, n / {total} * ln(n / {total}), 0D))"
    return f"if({total} > 0, {terms}, null)"


def rhythm_features(prefix: str, what: str) -> tuple[Feature, ...]:
    """Give shares of what a user did near the send's hour and on its weekday, and how spread hours and weekdays are."""
    total, hours, weekdays = rhythm_columns(prefix)
    return (
        Feature(
            f"user_{prefix}_share_near_hour",
            f"(coalesce({near_hour(hours)}, 0) + {2 * NEAR_HOURS + 1}) / (coalesce({total}, 0) + {HOURS})", "double",
            f"share of the user's {what} within {NEAR_HOURS} hours of the send's hour, one more in each hour",
            "share", REMEMBERED,
        ),
        Feature(
            f"user_{prefix}_share_on_weekday",
            f"(coalesce({weekdays}[weekday(send_at)], 0) + 1) / (coalesce({total}, 0) + {WEEKDAYS})", "double",
            f"share of the user's {what} on the send's weekday, one more on each day",
            "share", REMEMBERED,
        ),
        Feature(
            f"user_{prefix}_hour_entropy", entropy(hours, total), "double",
            f"entropy of the hours of the user's {what}: 0 for a single hour, 3.18 when spread evenly", "nats",
            REMEMBERED, f"no {what}",
        ),
        Feature(
            f"user_{prefix}_weekday_entropy", entropy(weekdays, total), "double",
            f"entropy of the weekdays of the user's {what}: 0 for a single one, 1.95 when spread evenly", "nats",
            REMEMBERED, f"no {what}",
        ),
    )  # fmt: skip


BLOCK = Block(
    name="user_app_rhythm",
    key=("user_id",),
    table="app_events",
    read=_read_app,
    features=(
        *rhythm_features("app", "app events"),
        *(
            Feature(
                f"user_{name}_{days}d", f"coalesce({name}_{days}d, 0)", "bigint", MEANING[name], "count",
                f"{days} days before midnight",
            )
            for name, windows in COUNTED_IN.items()
            for days in windows
        ),
        Feature(
            "user_days_since_return", "days_since_return", "int",
            f"days since the user used the app again after {BREAK_DAYS} days or more without", "days", REMEMBERED,
            "never came back from such a break",
        ),
    ),
)  # fmt: skip
