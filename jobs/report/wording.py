"""The sentences of the page: what happened and what the figures mean."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.report import numbers, rules
from jobs.report.gains import HIGHLIGHT, clicks_held
from jobs.report.metrics import Metrics
from jobs.report.shown import Shown, champion_before, in_service


@dataclass(frozen=True)
class Said:
    """A statement: its tone (``good``, ``bad`` or ``plain``), a title and sentences."""

    tone: str
    title: str
    sentences: tuple[str, ...] = ()


def headline(metrics: Metrics) -> Said:
    """Say what was published and why, or what was refused: rule, value and limit."""
    if metrics.published:
        return Said("good", f"Published: {metrics.chosen}", _why_published(metrics))
    if metrics.chosen is None:
        return Said("bad", "Nothing published: no model qualified", (*_complaints(metrics), _still(metrics)))
    return Said("bad", f"Not published: {metrics.chosen} was refused", (*_complaints(metrics), _still(metrics)))


def _why_published(metrics: Metrics) -> tuple[str, ...]:
    applied = [gate for gate in metrics.gates if gate.candidate == metrics.chosen and gate.applied]
    passed = f"It passed all {len(applied)} gates that apply to it." if applied else "No gate applied to it."
    return (
        *_why_chosen(metrics),
        passed,
        *_against_before(metrics),
        f"Version {metrics.champion} now scores.",
    )


def _against_before(metrics: Metrics) -> tuple[str, ...]:
    before, chosen = champion_before(metrics), metrics.candidate(metrics.chosen)
    if before is None or chosen is None:
        return ()
    now, then = numbers.fixed(chosen.log_loss, 5), numbers.fixed(before.measures.log_loss, 5)
    return (f"On the same sends its log-loss is {now}, that of the champion before {then} (lower is better).",)


def _why_chosen(metrics: Metrics) -> tuple[str, ...]:
    chosen, eligible = metrics.candidate(metrics.chosen), metrics.choice.eligible if metrics.choice else ()
    if chosen is None or not eligible:
        return ()
    others = len(metrics.candidates) - 1
    if len(eligible) == 1:
        return (f"It predicts better than the {others} other candidates.",) if others else ()
    size = numbers.size(chosen.serving_bytes)
    many = f"{len(eligible)} candidates predict practically equally well"
    return (f"{many}; this is the smallest that may be served, {size}.",)


def _complaints(metrics: Metrics) -> tuple[str, ...]:
    gates = rules.refused(metrics, metrics.chosen) if metrics.chosen else rules.left_out(metrics)
    return tuple(rules.refusal(gate) for gate in gates) or metrics.reasons


def _still(metrics: Metrics) -> str:
    if metrics.champion is None:
        return "There is no champion, so nobody is scored."
    return f"The champion of before, version {metrics.champion}, goes on scoring."


def gain_sentence(one: Shown | None) -> str | None:
    """Say what share of the clicks the best-scored users hold."""
    if one is None or not one.measures.lift:
        return None
    held = clicks_held(one, HIGHLIGHT)
    top = f"The top {numbers.percent(HIGHLIGHT)} of users by the score of {one.label}"
    return (
        f"{top} hold {numbers.percent(held)} of all clicks, "
        f"{numbers.significant(held / HIGHLIGHT, 2)} times as many as a random tenth."
    )


def calibration_sentence(one: Shown | None) -> str | None:
    """Say how far predictions are from what happened."""
    if one is None or one.measures.mean_p is None or one.measures.mean_y is None:
        return None
    predicted, actual = numbers.percent(one.measures.mean_p), numbers.percent(one.measures.mean_y)
    return f"On average {one.label} predicted {predicted} and {actual} clicked."


def ceiling(metrics: Metrics) -> str | None:
    """Say how close the model in service comes to the best possible one; null for a real log."""
    truth, one = metrics.simulator, in_service(metrics)
    if truth is None or truth.true_auc is None:
        return None
    about = f" over {numbers.count(truth.n)} sends" if truth.n else ""
    known = f"This log is simulated, so the best possible AUC is known: {numbers.fixed(truth.true_auc)}{about}."
    if one is None or one.measures.auc is None:
        return f"{known} The champion's AUC on this day is not known."
    gap = numbers.fixed(truth.true_auc - one.measures.auc)
    return f"{known} The champion reaches {numbers.fixed(one.measures.auc)}, a gap of {gap}."
