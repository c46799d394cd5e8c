"""The features that every push history has: counts by window, smoothed click rates and recencies."""

from __future__ import annotations

from collections.abc import Sequence

from features.feature import Feature, History, Reader
from features.owner_streams import Told
from features.user_rows import PUSH_COUNTS, PUSHED_LAST
from features.windows import ALL, WINDOWS_DAYS, window_names, window_sums

RATE_WINDOWS_DAYS = (7, 28)


def window_text(window: str) -> str:
    """Say a window, like ``7d`` or ``all``, in words."""
    return "all time" if window == ALL else f"{window.removesuffix('d')} days before midnight"


def reader(key: Sequence[str], prefix: str, windows: Sequence[int] = WINDOWS_DAYS) -> Reader:
    """Give the function that asks for sums of push partials by a key."""

    def read(history: History) -> Told:
        sums, latest = PUSH_COUNTS, PUSHED_LAST
        return window_sums(history.pushes_by(*key), key=key, prefix=prefix, sums=sums, latest=latest, windows=windows)

    return read


def count_features(
    prefix: str, measures: Sequence[str], whose: str, windows: Sequence[int] = WINDOWS_DAYS
) -> list[Feature]:
    """Give the counts of each measure over each window; no past counts 0."""
    return [
        Feature(
            name, f"coalesce({name}, 0)", "bigint", f"{measure} {whose}", "count", window_text(name.rsplit("_", 1)[1])
        )
        for measure in measures
        for name in window_names(prefix, measure, windows)
    ]


def smoothed(clicks: str, sends: str, level: str, towards: str) -> str:
    """Give SQL for the share of sends that were clicked, pulled towards a rate by the strength of a level's prior."""
    strength = f"{level}_prior_strength"
    return f"(coalesce({clicks}, 0) + {strength} * {towards}) / (coalesce({sends}, 0) + {strength})"


def rate_features(prefix: str, whose: str, windows: Sequence[int] = RATE_WINDOWS_DAYS) -> list[Feature]:
    """Give click rates over each window and all time, pulled towards the rate of all by an empirical-Bayes prior."""
    return [
        Feature(
            f"{prefix}_click_rate_{window}",
            smoothed(f"{prefix}_clicks_{window}", f"{prefix}_sends_{window}", prefix, f"{prefix}_prior_rate"),
            "double",
            f"smoothed share of sends {whose} that were clicked",
            "share",
            window_text(window),
            "no send at all was known yet",
        )
        for window in (*(f"{days}d" for days in windows), ALL)
    ]


def hours_since(name: str, last_ms: str, what: str) -> Feature:
    """Give hours from the last time to the midnight of ``as_of``."""
    return Feature(
        name,
        f"(unix_millis(cast(as_of as timestamp)) - {last_ms}) / 3600000D",
        "double",
        f"hours since {what}",
        "hours",
        "all time",
        "never happened",
    )


def recency_features(prefix: str, whose: str) -> list[Feature]:
    """Give hours since the last send and the last click."""
    return [
        hours_since(f"{prefix}_hours_since_last_send", f"{prefix}_last_sent_ms", f"the last send {whose}"),
        hours_since(f"{prefix}_hours_since_last_click", f"{prefix}_last_clicked_ms", f"the last click {whose}"),
    ]


def days_since(name: str, day: str, what: str) -> Feature:
    """Give whole days from a day to the midnight of ``as_of``."""
    return Feature(name, f"datediff(as_of, {day})", "int", f"days since {what}", "days", "all time", "never happened")
