"""Gates: what must hold before a measured candidate may be published.

A gate is fail-closed: a value that is missing, or is no finite number, fails it and the note says so. It is
'not applicable' (passed, with a note) only where there is nothing to judge: no champion yet, no platform in the data,
no table of limits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.gate_rules import DriftRules, Rules, SliceRules


@dataclass(frozen=True)
class GateResult:
    """What one rule said about one candidate."""

    rule: str
    """Field name in `Rules`; one of its tables has the name of the table before it, like ``drift.max_psi``."""
    candidate: str
    """Name of the candidate."""
    value: float | None
    """What was measured; None when it was not, or when the rule is not applicable."""
    limit: float | None
    """What the rule allows, itself included; None where there is no limit."""
    passed: bool
    """Whether the rule lets the candidate through."""
    note: str = ""
    """Why there is no value, why it does not count, or which slice it is about."""

    def __str__(self) -> str:
        about = f" ({self.note})" if self.note else ""
        return f"{self.rule} of {self.candidate} is {_text(self.value)}, limit {_text(self.limit)}{about}"


class _Reading(NamedTuple):
    """A measured value beside its limit, not judged yet; an exempt one passes whatever the value is."""

    rule: str
    value: float | None
    limit: float | None
    note: str = ""
    exempt: bool = False


def evaluate(measures: Mapping[str, Any], rules: Rules) -> list[GateResult]:
    """Judge every candidate by every rule.

    Parameters
    ----------
    measures : mapping
        What ``measure_models`` wrote: ``candidates``, ``rows``, ``constant_log_loss``, and ``champion``: its
        measures on the same rows (null where there is none, ``{"error": why}`` where that failed).
    rules : Rules
        The limits.

    Returns
    -------
    list of GateResult
        In the order of the candidates, resource rules first.
    """
    return [
        _judge(str(entry["name"]), reading)
        for entry in measures["candidates"]
        for reading in (
            *_resources(entry, rules),
            *_quality(entry, measures, rules),
            *_calibration(entry, rules),
            *_slices("platform", entry, rules.platform),
            *_slices("cohort", entry, rules.cohort),
            *_drift("drift", measures, rules.drift),
            *_drift("scoring_drift", measures, rules.scoring_drift),
        )
    ]


def _judge(candidate: str, reading: _Reading) -> GateResult:
    rule, value, limit, note, exempt = reading
    within = _holds(rule.rpartition(".")[2], value, limit)
    said = note or ("not measured" if value is None else "")
    return GateResult(rule, candidate, value, limit, exempt or within, said)


def _holds(rule: str, value: float | None, limit: float | None) -> bool:
    if value is None or limit is None:
        return False
    return value <= limit if rule.startswith("max_") else value >= limit


def _resources(entry: Mapping[str, Any], rules: Rules) -> Iterator[_Reading]:
    yield _Reading("max_serving_bytes", _number(entry, "artifact_bytes", "serving"), rules.max_serving_bytes)
    if rules.max_joblib_bytes is not None:
        yield _Reading("max_joblib_bytes", _number(entry, "artifact_bytes", "joblib"), rules.max_joblib_bytes)
    yield _Reading("max_latency_p99_us", _number(entry, "latency_us", "p99"), rules.max_latency_p99_us)
    difference = _number(entry, "conversion_max_difference")
    yield _Reading("max_conversion_difference", difference, rules.max_conversion_difference)


def _quality(entry: Mapping[str, Any], measures: Mapping[str, Any], rules: Rules) -> Iterator[_Reading]:
    log_loss = _number(entry, "log_loss")
    gain = _difference(_number(measures, "constant_log_loss"), log_loss)
    yield _Reading("min_holdout_rows", _number(measures, "rows", "holdout"), rules.min_holdout_rows)
    yield _Reading("min_gain_over_constant", gain, rules.min_gain_over_constant)
    champion = measures.get("champion", {"error": "the measures do not name it"})
    yield _against_champion(log_loss, champion, rules.max_log_loss_over_champion)


def _against_champion(log_loss: float | None, champion: Mapping[str, Any] | None, limit: float) -> _Reading:
    rule = "max_log_loss_over_champion"
    if champion is None:
        return _Reading(rule, None, limit, "not applicable: no other champion", exempt=True)
    if "error" in champion:
        return _Reading(rule, None, limit, f"champion not measured: {champion['error']}")
    return _Reading(rule, _difference(log_loss, _number(champion, "log_loss")), limit)


def _calibration(entry: Mapping[str, Any], rules: Rules) -> Iterator[_Reading]:
    mean_p, mean_y = _number(entry, "mean_p"), _number(entry, "mean_y")
    ratio = mean_p / mean_y if mean_p is not None and mean_y else None
    yield _Reading("max_ece", _number(entry, "ece"), rules.max_ece)
    yield _Reading("min_mean_ratio", ratio, rules.min_mean_ratio)
    yield _Reading("max_mean_ratio", ratio, rules.max_mean_ratio)


def _slices(kind: str, entry: Mapping[str, Any], rules: SliceRules) -> Iterator[_Reading]:
    found = entry.get(f"by_{kind}")
    for one in found or ():
        yield from _slice(kind, one, rules)
    if not found:
        absent = found is not None
        note = f"not applicable: no {kind} in the data" if absent else "not measured"
        yield _Reading(f"{kind}.max_ece", None, rules.max_ece, note, exempt=absent)


def _slice(kind: str, one: Mapping[str, Any], rules: SliceRules) -> Iterator[_Reading]:
    ece, ratio, rows = (_number(one, key) for key in ("ece", "mean_p_over_mean_y", "n"))
    few = rows is not None and rows < rules.min_rows
    note = f"{one.get(kind)}, {_text(rows)} rows"
    if few:
        note += f", below min_rows {rules.min_rows:,}: reported, not gated"
    yield _Reading(f"{kind}.max_ece", ece, rules.max_ece, note, few)
    yield _Reading(f"{kind}.min_mean_ratio", ratio, rules.min_mean_ratio, note, few)
    yield _Reading(f"{kind}.max_mean_ratio", ratio, rules.max_mean_ratio, note, few)


def _drift(kind: str, measures: Mapping[str, Any], rules: DriftRules | None) -> Iterator[_Reading]:
    if rules is None:
        yield _Reading(f"{kind}.max_psi", None, None, f"not applicable: the gates have no [{kind}]", exempt=True)
        return
    for name, limit in (("psi", rules.max_psi), ("null_rise", rules.max_null_rise)):
        value = _number(measures, kind, name, "value")
        about = "" if value is None else f"feature {measures[kind][name]['feature']}"
        yield _Reading(f"{kind}.max_{name}", value, limit, about)


def _number(measures: Mapping[str, Any], *path: str) -> float | None:
    """Give the finite number that lies at ``path``, or None."""
    value: Any = measures
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _difference(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def _text(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
