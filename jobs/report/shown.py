"""Which models the page is about, and by what name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.report.measures import Candidate
from jobs.report.metrics import Metrics


@dataclass(frozen=True)
class Shown:
    """A model on the page.

    Parameters
    ----------
    number : int
        Its number in pictures and legends, from 1.
    measures : Candidate
        Its figures.
    label : str
        Its name for the reader.
    kind : str
        CSS class: ``chosen`` (published or proposed), ``before`` (the champion of before) or ``other``.
    on_front : bool
        Whether no other candidate beats it at once in log-loss, serving bytes and p99 latency.
    """

    number: int
    measures: Candidate
    label: str
    kind: str
    on_front: bool = False

    @property
    def series(self) -> str:
        """What hides its marks in pictures, as a legend names it."""
        return str(self.number)


def all_models(metrics: Metrics) -> tuple[Shown, ...]:
    """Give every measured model, the champion of before last."""
    candidates = tuple(
        Shown(number, one, one.name, _kind(metrics, one), on_front=one.name in metrics.pareto)
        for number, one in enumerate(metrics.candidates, start=1)
    )
    before = champion_before(metrics)
    return (*candidates, before) if before else candidates


def _kind(metrics: Metrics, one: Candidate) -> str:
    return "chosen" if one.name == metrics.chosen else "other"


def formats(models: Sequence[Shown]) -> list[str]:
    """Name the formats that any model's size is known in: ``serving`` first, then ``joblib``, then by name."""
    return sorted({name for one in models for name in one.measures.artifact_bytes}, key=_serving_first)


def _serving_first(name: str) -> tuple[bool, bool, str]:
    return (name != "serving", not name.startswith("joblib"), name)


def champion_before(metrics: Metrics) -> Shown | None:
    """Give the champion of before, unless it is the very model that was chosen again."""
    before, chosen = metrics.champion_before, metrics.candidate(metrics.chosen)
    if before is None or (chosen is not None and _same(before, chosen)):
        return None
    label = "champion before" if metrics.published else "present champion"
    return Shown(len(metrics.candidates) + 1, before, label, "before")


def compared(metrics: Metrics) -> tuple[Shown, ...]:
    """Give the chosen model and the champion of before, where they are there; otherwise all."""
    both = tuple(one for one in all_models(metrics) if one.kind != "other")
    return both or all_models(metrics)


def in_service(metrics: Metrics) -> Shown | None:
    """Give the model that scores after this run, where its figures are known."""
    chosen = next((one for one in all_models(metrics) if one.kind == "chosen"), None)
    if metrics.published:
        return chosen
    measured = metrics.champion_before
    if metrics.champion is None or measured is None or measured.version not in (None, metrics.champion):
        return None  # nobody scores, or the alias moved after the measuring
    return champion_before(metrics) or chosen


def _same(one: Candidate, other: Candidate) -> bool:
    if one.version and other.version:
        return one.version == other.version
    return (one.name, one.auc, one.log_loss, one.serving_bytes) == (
        other.name,
        other.auc,
        other.log_loss,
        other.serving_bytes,
    )
