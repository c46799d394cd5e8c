"""Maps from a model's probability to a calibrated one, read from JSON.

A row has the same probability alone and in company, to some 15 digits: Python and numpy each have their own logarithm.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from .errors import BundleError
from .types import Floats

EDGE = 1e-12
"""Probabilities are kept this far from 0 and 1 before their logit is taken."""


class Calibrator(Protocol):
    """A monotone map from probability to probability."""

    @property
    def method(self) -> str:
        """Name of the method: none, platt, beta or isotonic."""
        ...

    def apply_one(self, p: float) -> float:
        """Calibrate one probability."""
        ...

    def apply(self, p: Floats) -> Floats:
        """Calibrate probabilities of shape (n_rows,)."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Give the calibrator as JSON values."""
        ...


class Uncalibrated:
    """Leaves probabilities as they are."""

    method: ClassVar[str] = "none"

    def apply_one(self, p: float) -> float:
        """Give ``p`` back."""
        return p

    def apply(self, p: Floats) -> Floats:
        """Give ``p`` back."""
        return p

    def to_json(self) -> dict[str, Any]:
        """Give the calibrator as JSON values."""
        return {"method": self.method}


@dataclass(frozen=True)
class Platt:
    """sigmoid(slope * logit(p) + intercept): Platt (1999), on the logit as the score."""

    slope: float
    intercept: float
    method: ClassVar[str] = "platt"

    def apply_one(self, p: float) -> float:
        """Calibrate one probability."""
        p = min(max(p, EDGE), 1 - EDGE)
        return sigmoid(self.slope * math.log(p / (1 - p)) + self.intercept)

    def apply(self, p: Floats) -> Floats:
        """Calibrate probabilities of shape (n_rows,)."""
        p = np.clip(p, EDGE, 1 - EDGE)
        return sigmoids(self.slope * np.log(p / (1 - p)) + self.intercept)

    def to_json(self) -> dict[str, Any]:
        """Give the calibrator as JSON values."""
        return {"method": self.method, **asdict(self)}


@dataclass(frozen=True)
class Beta:
    """sigmoid(a log(p) - b log(1 - p) + c), a and b not below 0: Kull, Silva Filho and Flach (2017).

    Platt's map is the case a = b; apart, they bend low and high probabilities differently.
    """

    a: float
    b: float
    c: float
    method: ClassVar[str] = "beta"

    def apply_one(self, p: float) -> float:
        """Calibrate one probability."""
        p = min(max(p, EDGE), 1 - EDGE)
        return sigmoid(self.a * math.log(p) - self.b * math.log1p(-p) + self.c)

    def apply(self, p: Floats) -> Floats:
        """Calibrate probabilities of shape (n_rows,)."""
        p = np.clip(p, EDGE, 1 - EDGE)
        return sigmoids(self.a * np.log(p) - self.b * np.log1p(-p) + self.c)

    def to_json(self) -> dict[str, Any]:
        """Give the calibrator as JSON values."""
        return {"method": self.method, **asdict(self)}


@dataclass(frozen=True)
class Isotonic:
    """Straight lines between knots, flat outside: the fit of Zadrozny and Elkan (2002)."""

    p: tuple[float, ...]
    """Model's probability at the knots, strictly increasing."""
    calibrated: tuple[float, ...]
    """Calibrated probability at the knots, never falling, within (0, 1)."""
    method: ClassVar[str] = "isotonic"

    def apply_one(self, p: float) -> float:
        """Calibrate one probability."""
        above = bisect_right(self.p, p)
        if above in (0, len(self.p)):
            return self.calibrated[max(above - 1, 0)]
        left, right = self.p[above - 1], self.p[above]
        low, high = self.calibrated[above - 1], self.calibrated[above]
        return low + (high - low) * ((p - left) / (right - left))

    def apply(self, p: Floats) -> Floats:
        """Calibrate probabilities of shape (n_rows,)."""
        return np.interp(p, self.p, self.calibrated)

    def to_json(self) -> dict[str, Any]:
        """Give the calibrator as JSON values."""
        return {"method": self.method, "p": list(self.p), "calibrated": list(self.calibrated)}


def sigmoid(score: float) -> float:
    """Give 1 / (1 + exp(-score)); ``math.exp`` overflows where a score is far below 0."""
    if score >= 0:
        return 1 / (1 + math.exp(-score))
    odds = math.exp(score)
    return odds / (1 + odds)


def sigmoids(scores: Floats) -> Floats:
    """Give the `sigmoid` of scores of shape (n_rows,)."""
    odds = np.exp(-np.abs(scores))
    return np.asarray(np.where(scores >= 0, 1.0, odds) / (1 + odds))


def calibrator_from_json(value: Mapping[str, Any]) -> Calibrator:
    """Read what `to_json` of a calibrator gave.

    Raises
    ------
    BundleError
        When the method is not known.
    """
    match value.get("method"):
        case "none":
            return Uncalibrated()
        case "platt":
            return Platt(value["slope"], value["intercept"])
        case "beta":
            return Beta(value["a"], value["b"], value["c"])
        case "isotonic":
            return Isotonic(tuple(value["p"]), tuple(value["calibrated"]))
        case method:
            raise BundleError(f"calibrator: expected none, platt, beta or isotonic, got {method!r}")
