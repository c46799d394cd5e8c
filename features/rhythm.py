"""At which hours of the day and on which weekdays something happens: sums, and the features made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa

from features.ascending import Integers
from features.feature import Feature
from features.local_time import HOURS, WEEKDAYS
from features.push_history import smoothed
from features.send_context import LOCAL_HOUR, LOCAL_WEEKDAY
from features.windows import REMEMBERED

NEAR_HOURS = 2
BIN_HOURS = 4
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def rhythm_columns(prefix: str) -> dict[str, str]:
    """Name and type what ``rhythm`` gives."""
    return {f"{prefix}_total": "bigint", f"{prefix}_hours": "array<bigint>", f"{prefix}_weekdays": "array<bigint>"}


def prior_names(counts: str) -> tuple[str, str]:
    """Name the shares and the strength of the prior of such counts; see ``features.rhythm_priors``."""
    return f"{counts}_prior_shares", f"{counts}_prior_strength"


def rhythm(prefix: str, counts: Integers) -> dict[str, pa.Array]:
    """Sum counts by hour of the week, of shape (n_requests, 168), by hour of the day and by weekday."""
    by_day = counts.reshape(-1, WEEKDAYS, HOURS)
    sums = (pa.array(counts.sum(axis=1)), as_lists(by_day.sum(axis=1)), as_lists(by_day.sum(axis=2)))
    return dict(zip(rhythm_columns(prefix), sums, strict=True))


def as_lists(counts: Integers) -> pa.Array:
    """Give a row of counts, of shape (n_requests, n_counts), as a list a request."""
    return pa.FixedSizeListArray.from_arrays(pa.array(counts.ravel()), counts.shape[1]).cast(pa.list_(pa.int64()))


def near_hour(hours: str, hour: str = "hour(send_at)") -> str:
    """Give SQL for the sum of an array of 24 counts within ``NEAR_HOURS`` of an hour of the day."""
    around = range(-NEAR_HOURS, NEAR_HOURS + 1)
    return _sum(f"{hours}[pmod({hour} + {shift}, {HOURS})]" for shift in around)


def _sum(counts: Iterable[str]) -> str:
    return f"({' + '.join(counts)})"


def _entropy(counts: str, total: str) -> str:
    """Give SQL for the entropy of an array of counts, null for none."""
    terms = f"aggregate({counts}, 0D, (sum, n) -> sum - if(n > 0, n / {total} * ln(n / {total}), 0D))"
    return f"if({total} > 0, {terms}, null)"


def rhythm_features(prefix: str, what: str) -> tuple[Feature, ...]:
    """Give how a user's past is spread over the day and the week, in the user's own time zone.

    Shares are pulled towards those of all users by a prior, see ``features.rhythm_priors``; without any event they are
    null, or most users would have the prior's own value, which moves from day to day and tells the day. Entropies are
    those of the counts as they are.
    """
    total, hours, weekdays = rhythm_columns(prefix)

    def share(name: str, counts: str, of: Callable[[str], str], when: str) -> Feature:
        shares, _ = prior_names(counts)
        pulled = smoothed(of(counts), total, counts, of(shares))
        return Feature(
            f"user_{prefix}_share_{name}", f"if({total} > 0, {pulled}, null)", "double",
            f"smoothed share of the user's {what} {when}, local time", "share", REMEMBERED,
            f"no {what}",
        )  # fmt: skip

    def entropy(name: str, counts: str, even: str) -> Feature:
        return Feature(
            f"user_{prefix}_{name}_entropy", _entropy(counts, total), "double",
            f"entropy of the {name}s of the user's {what}: 0 for a single one, {even} when spread evenly", "nats",
            REMEMBERED, f"no {what}",
        )  # fmt: skip

    def near(counts: str) -> str:
        return near_hour(counts, LOCAL_HOUR)

    def of_bin(first: int) -> Callable[[str], str]:
        return lambda counts: _sum(f"{counts}[{hour}]" for hour in range(first, first + BIN_HOURS))

    def on(weekday: int | str) -> Callable[[str], str]:
        return lambda counts: f"{counts}[{weekday}]"

    return (
        share("near_hour", hours, near, f"within {NEAR_HOURS} hours of the send's hour"),
        share("on_weekday", weekdays, on(LOCAL_WEEKDAY), "on the send's weekday"),
        *(
            share(
                f"{first}_to_{first + BIN_HOURS}h", hours, of_bin(first), f"from {first} to {first + BIN_HOURS} o'clock"
            )
            for first in range(0, HOURS, BIN_HOURS)
        ),
        *(share(f"on_{day}", weekdays, on(at), f"on {day.capitalize()}s") for at, day in enumerate(DAYS)),
        entropy("hour", hours, "3.18"),
        entropy("weekday", weekdays, "1.95"),
    )
