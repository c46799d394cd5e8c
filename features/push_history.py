"""The features that every push history has: counts by window, smoothed click rates and recencies."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame

from features.feature import Feature, History, Reader
from features.partials import PUSH_COUNTS
from features.windows import WINDOWS_DAYS, window_names, window_sums

RATE_WINDOWS = ("7d", "28d", "all")
WINDOW_TEXT = {**{f"{days}d": f"{days} days before midnight" for days in WINDOWS_DAYS}, "all": "all time"}


def reader(key: Sequence[str], prefix: str) -> Reader:
    """Give the function that sums push partials for a key."""

    def read(keys: DataFrame, history: History) -> DataFrame:
        latest = ("last_sent_ms", "last_clicked_ms")
        return window_sums(keys, history.pushes, key=key, prefix=prefix, sums=PUSH_COUNTS, latest=latest)

    return read


def count_features(prefix: str, measures: Sequence[str], whose: str) -> list[Feature]:
    """Give the counts of each measure over each window; no past counts 0."""
    return [
        Feature(
            name, f"coalesce({name}, 0)", "bigint", f"{measure} {whose}", "count", WINDOW_TEXT[name.rsplit("_", 1)[1]]
        )
        for measure in measures
        for name in window_names(prefix, measure)
    ]


def rate_features(prefix: str, whose: str) -> list[Feature]:
    """Give click rates, pulled towards the rate of all by an empirical-Bayes prior."""
    return [
        Feature(
            f"{prefix}_click_rate_{window}",
            f"(coalesce({prefix}_clicks_{window}, 0) + {prefix}_prior_strength * {prefix}_prior_rate)"
            f" / (coalesce({prefix}_sends_{window}, 0) + {prefix}_prior_strength)",
            "double",
            f"smoothed share of sends {whose} that were clicked",
            "share",
            WINDOW_TEXT[window],
            "no send at all was known yet",
        )
        for window in RATE_WINDOWS
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
