"""Two clocks and one midnight: what a feature may know, and when a label is final."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

DAY_S = 86_400


@dataclass(frozen=True)
class TimeRules:
    """The time rules of a log, all in seconds.

    Parameters
    ----------
    attribution_window_s : int
        A click counts for its send up to this long after it, bound included.
    lateness_allowance_s : int
        How much later than the window's end a click may become known and still count.
    ready_lag_s : int
        How long after midnight the nightly load is complete. Features as of midnight T may use rows that became known
        before T + ready_lag, and serve sends from T + ready_lag on.

    Raises
    ------
    ValueError
        When one of them is negative.
    """

    attribution_window_s: int = DAY_S
    lateness_allowance_s: int = DAY_S
    ready_lag_s: int = 0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 0:
                raise ValueError(f"{name}: expected at least 0 seconds, got {value}")

    @property
    def maturity_s(self) -> int:
        """Seconds after which the label of a send never changes."""
        return self.attribution_window_s + self.lateness_allowance_s

    @property
    def maturity_days(self) -> int:
        """The same, in whole days rounded up."""
        return -(-self.maturity_s // DAY_S)

    def to_dict(self) -> dict[str, int]:
        """Give the rules as JSON-ready numbers."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TimeRules:
        """Read what ``to_dict`` gave."""
        return cls(**values)


def shifted(time: Column, seconds: int) -> Column:
    """Move a timestamp by seconds; null stays null."""
    return time + F.lit(timedelta(seconds=seconds))


def known_day(event_time: Column, known_time: Column, rules: TimeRules) -> Column:
    """Day on which a row becomes usable: features as of midnight T may use it exactly when ``known_day < T``.

    A row is usable when event time < T and known time < T + ready_lag: both clocks at once.
    """
    return F.to_date(F.greatest(event_time, shifted(known_time, -rules.ready_lag_s)))


def as_of_day(send_at: Column, rules: TimeRules) -> Column:
    """Midnight whose features serve a send: the last T with T + ready_lag <= send time, as a DATE."""
    return F.to_date(shifted(send_at, -rules.ready_lag_s))
