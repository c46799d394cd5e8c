"""The decision on a day's candidates: which one is chosen, and whether it may be published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.choice import Choice, ValidationResult
from models.choice import choose as choose_among
from models.gate_rules import RESOURCE_RULES, Rules
from models.gates import GateResult, evaluate


@dataclass(frozen=True)
class Decision:
    """What the gates made of the candidates."""

    gates: Sequence[GateResult]
    """Every rule on every candidate."""
    chosen: str | None
    """Name of the chosen candidate; None when none may be."""
    left_out: Sequence[str]
    """Who could not be chosen, and why."""
    refusals: Sequence[str]
    """Why nothing may be published; empty when the chosen one may."""


def choose(measures: Mapping[str, Any], rules: Rules) -> Choice | None:
    """Choose among the candidates that pass the resource gates by `models.choice`, or None where no one does.

    Who fails them is no measure of the others either: a best candidate that nobody can afford would leave those out
    that are as good as anything that can be had. Nothing is chosen on the hold-out.
    """
    costly = {gate.candidate for gate in _too_costly(evaluate(measures, rules))}
    usable = {entry["name"]: entry for entry in measures["candidates"] if entry["name"] not in costly}
    if not usable:
        return None
    results = {name: ValidationResult(**entry["validation"]) for name, entry in usable.items()}
    sizes = {name: entry["artifact_bytes"]["serving"] for name, entry in usable.items()}
    return choose_among(results, sizes, tolerance=measures["choice"]["tolerance"])


def decide(measures: Mapping[str, Any], rules: Rules, *, chosen: str | None) -> Decision:
    """Hold the chosen candidate to every gate; see `evaluate` for the measures."""
    gates = evaluate(measures, rules)
    left_out = [f"left out of the choice: {gate}" for gate in _too_costly(gates)]
    if chosen is None:
        refusals = left_out or ["there is no candidate"]
    else:
        refusals = [str(gate) for gate in gates if gate.candidate == chosen and not gate.passed]
    return Decision(gates, chosen, left_out, refusals)


def _too_costly(gates: Sequence[GateResult]) -> Iterator[GateResult]:
    return (gate for gate in gates if gate.rule in RESOURCE_RULES and not gate.passed)
