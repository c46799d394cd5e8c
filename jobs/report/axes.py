"""Axes of a picture: from values to places, and round values for the ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

MAX_TICKS = 6


@dataclass(frozen=True)
class Tick:
    """A place on an axis and the text beside it."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis.

    Parameters
    ----------
    low, high : float
        Values at the two ends.
    start, end : float
        Places of the two ends; ``end`` may be the smaller one.
    log : bool
        Whether the axis is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Give the place of a value; one beyond an end is drawn at that end."""
        value = min(max(value, self.low), self.high)
        return round(self.start + (self.end - self.start) * self._share(value), 1)

    def _share(self, value: float) -> float:
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, text: Callable[[float], str]) -> tuple[Tick, ...]:
        """Give at most ``MAX_TICKS`` round values within the axis."""
        values = _log_values(self.low, self.high) if self.log else _linear_values(self.low, self.high)
        return tuple(Tick(self.place(value), text(value)) for value in values)


def linear_axis(values: Iterable[float], start: float, end: float) -> Axis:
    """Fit a linear axis around values, with some room at both ends."""
    found = list(values)
    low, high = min(found), max(found)
    room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return Axis(low - room, high + room, start, end)


def log_axis(values: Iterable[float], start: float, end: float, *, room: float = 1.6) -> Axis:
    """Fit a logarithmic axis around positive values; ``room`` is the factor left at both ends."""
    found = [value for value in values if value > 0] or [1.0]
    return Axis(min(found) / room, max(found) * room, start, end, log=True)


def _linear_values(low: float, high: float) -> list[float]:
    step = next(step for step in _steps((high - low) / MAX_TICKS) if (high - low) / step <= MAX_TICKS)
    return [round(i * step, 10) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _steps(least: float) -> list[float]:
    power = 10.0 ** math.floor(math.log10(least))
    return [factor * power for factor in (1, 2, 2.5, 5, 10)]


def _log_values(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        values = [factor * 10.0**power for power in decades for factor in factors]
        inside = [value for value in values if low <= value <= high]
        if len(inside) <= MAX_TICKS:
            return inside
    return inside[:: math.ceil(len(inside) / MAX_TICKS)]
