"""What the embedding brought: each candidate beside its twin without codes."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.report import numbers
from jobs.report.measures import Candidate
from jobs.report.metrics import Metrics

WITHOUT = "_no_embedding"
"""Ends the name of a candidate that differs from another one only by having no codes."""
MAIN = "lightgbm"
"""The pair that the verdict is about, where it is there."""


@dataclass(frozen=True)
class Pair:
    """One candidate with codes and its twin without, measured on the same rows."""

    name: str
    using: Candidate
    alone: Candidate
    log_loss_gain: float
    """Log-loss without minus with; positive when the embedding helps."""
    auc_gain: float | None
    """AUC with minus without; positive when the embedding helps."""


def pairs(metrics: Metrics) -> tuple[Pair, ...]:
    """Give the pairs among the candidates, the main one first."""
    twins = ((one, metrics.candidate(one.name + WITHOUT)) for one in metrics.candidates)
    found = (_pair(one, alone) for one, alone in twins if alone is not None)
    return tuple(sorted((pair for pair in found if pair), key=lambda pair: pair.name != MAIN))


def _pair(one: Candidate, alone: Candidate) -> Pair | None:
    if one.log_loss is None or alone.log_loss is None:
        return None
    auc_gain = None if one.auc is None or alone.auc is None else one.auc - alone.auc
    return Pair(one.name, one, alone, alone.log_loss - one.log_loss, auc_gain)


def verdict(metrics: Metrics) -> tuple[str, str] | None:
    """Say honestly whether the embedding earned its place, and why; null when there is no pair to compare."""
    found = pairs(metrics)
    if not found:
        return None
    pair, tolerance = found[0], (metrics.choice and metrics.choice.tolerance) or 0.0
    return f"The embedding {_judgement(pair, tolerance)}.", f"{_figures(pair)} {_about(pair, tolerance)}"


def _judgement(pair: Pair, tolerance: float) -> str:
    if pair.log_loss_gain > tolerance:
        return f"earned its place: {pair.name} predicts better with it"
    better = "better" if pair.log_loss_gain < -tolerance else "as well"
    return f"did not earn its place: {pair.name} alone does {better}"


def _figures(pair: Pair) -> str:
    losses = f"{numbers.fixed(pair.using.log_loss, 5)} with it and {numbers.fixed(pair.alone.log_loss, 5)} without"
    aucs = f"{numbers.fixed(pair.using.auc)} and {numbers.fixed(pair.alone.auc)}"
    return f"On the hold-out the log-loss is {losses}, the AUC {aucs}."


def _about(pair: Pair, tolerance: float) -> str:
    side = "more" if abs(pair.log_loss_gain) > tolerance else "no more"
    return f"The difference is {side} than the tolerance of the choice, {numbers.significant(tolerance)}."
