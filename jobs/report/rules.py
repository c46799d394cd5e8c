"""Gate rules in plain words, with the unit of their values."""

from __future__ import annotations

from collections.abc import Callable

from jobs.report import numbers
from jobs.report.metrics import Gate, Metrics
from models.gate_rules import RESOURCE_RULES

SLICES = ("platform", "cohort")
Text = Callable[[float | None], str]

RULES: dict[str, tuple[str, Text]] = {
    "max_serving_bytes": ("serving size", numbers.size),
    "max_joblib_bytes": ("pickle size", numbers.size),
    "max_latency_p99_us": ("latency (p99)", numbers.micros),
    "max_conversion_difference": ("difference between serving format and fitted model", numbers.significant),
    "min_holdout_rows": ("hold-out rows", numbers.count),
    "min_gain_over_constant": ("log-loss gain over a constant", numbers.significant),
    "max_log_loss_over_champion": ("log-loss above the champion's", numbers.significant),
    "max_ece": ("calibration error", numbers.significant),
    "min_mean_ratio": ("mean prediction over click rate", numbers.significant),
    "max_mean_ratio": ("mean prediction over click rate", numbers.significant),
    "max_psi": ("drift of a feature (PSI)", numbers.significant),
    "max_null_rise": ("rise in missing values of a feature", numbers.percent),
}
"""A rule that is not here is shown by its own name."""


def meaning(rule: str) -> str:
    """Say in words what a rule looks at."""
    of_slice, _, name = rule.rpartition(".")
    words = RULES.get(name, (name.replace("_", " "), numbers.significant))[0]
    return f"{words}, by {of_slice}" if of_slice in SLICES else words


def value(gate: Gate) -> str:
    """Write what was measured."""
    return _text(gate.rule)(gate.value)


def limit(gate: Gate) -> str:
    """Write the limit with its direction."""
    name = gate.rule.rpartition(".")[2]
    sign = "at most " if name.startswith("max") else "at least " if name.startswith("min") else ""
    return sign + _text(gate.rule)(gate.limit)


def refusal(gate: Gate) -> str:
    """Say in a sentence why a gate refused a model."""
    about = f" ({gate.note})" if gate.note else ""
    found = "could not be measured" if gate.value is None else f"is {value(gate)}"
    return f"{gate.candidate}: {meaning(gate.rule)} {found}, the limit is {limit(gate)}{about}."


def outcome(gate: Gate) -> str:
    """Name the result of a gate: ``passed``, ``refused`` or ``not applied``."""
    if not gate.passed:
        return "refused"
    return "passed" if gate.applied else "not applied"


def limit_of(metrics: Metrics, rule: str) -> float | None:
    """Give the limit of a rule, where it was applied to any model."""
    return next((gate.limit for gate in metrics.gates if gate.rule == rule), None)


def refused(metrics: Metrics, candidate: str | None) -> tuple[Gate, ...]:
    """Give the gates that refused a candidate."""
    return tuple(gate for gate in metrics.gates if not gate.passed and gate.candidate == candidate)


def left_out(metrics: Metrics) -> tuple[Gate, ...]:
    """Give the gates that left candidates out of the choice: those on size and time."""
    return tuple(gate for gate in metrics.gates if not gate.passed and gate.rule in RESOURCE_RULES)


def _text(rule: str) -> Text:
    return RULES.get(rule.rpartition(".")[2], ("", numbers.significant))[1]
