"""The choice among candidates: as good as the best one by validation, and of those the smallest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation import excess_upper, log_loss
from models.serving.types import Floats

TOLERANCE = 0.0008
"""Largest log-loss excess, in nats a row, that still counts as being as good as the best."""

RULE = (
    "eligible: the upper 95 % bound of the paired log-loss excess over the best candidate (validation rows, "
    "bootstrap by user) is below the tolerance; of the eligible, the smallest in serving bytes wins"
)


@dataclass(frozen=True)
class ValidationResult:
    """How one candidate did on validation."""

    log_loss: float
    """Mean log-loss of its calibrated probabilities, in nats."""
    excess_log_loss_upper: float
    """Upper 95 % bound of the excess over the best candidate; 0 for the best itself."""
    excess_over: Mapping[str, float] = field(default_factory=dict)
    """The same bound over each candidate with a lower log-loss: the best one may turn out to be unusable."""

    def excess_to(self, best: str) -> float:
        """Give the bound over the best of those that are left."""
        return self.excess_over.get(best, self.excess_log_loss_upper)


@dataclass(frozen=True)
class Choice:
    """Which candidate was chosen, and why."""

    rule: str
    tolerance: float
    best: str
    """The candidate with the lowest validation log-loss."""
    eligible: list[str]
    """Candidates as good as the best, smallest first."""
    chosen: str
    reasons: dict[str, str]
    """One sentence for each candidate."""

    def to_json(self) -> dict[str, Any]:
        """Give the choice as JSON values."""
        return asdict(self)


def compare(
    probabilities: Mapping[str, Floats], label: NDArray[np.int64], user: NDArray[np.int64], *, seed: int = 0
) -> dict[str, ValidationResult]:
    """Compare candidates on the same validation rows.

    Parameters
    ----------
    probabilities : mapping
        Candidate -> calibrated probabilities, each by a calibrator fitted on other users.
    label, user : ndarray of shape (n_rows,)
        Clicked or not, and whose row it is.
    seed : int
        What bootstrap samples are drawn with; the same samples for all candidates.
    """
    losses = {name: log_loss(p, label) for name, p in probabilities.items()}
    ranked = sorted(losses, key=lambda name: (losses[name], name))

    def over(name: str) -> dict[str, float]:
        better = ranked[: ranked.index(name)]
        p = probabilities[name]
        return {other: excess_upper(p, probabilities[other], label, user, seed=seed) for other in better}

    excess = {name: over(name) for name in probabilities}
    return {name: ValidationResult(losses[name], excess[name].get(ranked[0], 0.0), excess[name]) for name in losses}


def choose(
    results: Mapping[str, ValidationResult], serving_bytes: Mapping[str, int], *, tolerance: float = TOLERANCE
) -> Choice:
    """Choose among candidates that may be used.

    Parameters
    ----------
    results : mapping
        Candidate -> what `compare` found; at least one. Who is not among them is not compared with either.
    serving_bytes : mapping
        Candidate -> bytes of all that the scorer reads.
    tolerance : float
        See `TOLERANCE`.
    """
    best = min(results, key=lambda name: (results[name].log_loss, name))
    within = [name for name in results if _excess(name, best, results) < tolerance]
    eligible = sorted({best, *within}, key=lambda name: (serving_bytes[name], name))
    reasons = {name: _reason(name, best, eligible, results, serving_bytes, tolerance) for name in results}
    return Choice(RULE, tolerance, best, eligible, eligible[0], reasons)


def _excess(name: str, best: str, results: Mapping[str, ValidationResult]) -> float:
    return 0.0 if name == best else results[name].excess_to(best)


def _reason(
    name: str,
    best: str,
    eligible: list[str],
    results: Mapping[str, ValidationResult],
    serving_bytes: Mapping[str, int],
    tolerance: float,
) -> str:
    """Say in a sentence why a candidate was chosen or not."""
    size, least = (f"{serving_bytes[one]:,} bytes" for one in (name, eligible[0]))
    worse = f"may lose up to {_excess(name, best, results):.5f} nats a send to {best}"
    if name not in eligible:
        return f"Not eligible: it {worse}, and {tolerance} is tolerated."
    quality = "it predicts best" if name == best else f"it {worse}, which counts as equally good"
    if name != eligible[0]:
        return f"Eligible, but not chosen: {quality}, but it has {size} where {eligible[0]} has {least}."
    rest = f"is the smallest of {len(eligible)} that do as well" if len(eligible) > 1 else "no other does as well"
    return f"Chosen: {quality}, and {rest}, at {size}."
