"""The choice is made among candidates that can be afforded; only the chosen one's own gates can forbid it."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.gates_file import read_gates
from models.decision import choose, decide

RULES = read_gates()


BETTER = {"validation": {"log_loss": 0.165, "excess_log_loss_upper": 0.0}}
WORSE = {"validation": {"log_loss": 0.17, "excess_log_loss_upper": 0.006, "excess_over": {"better": 0.006}}}


def measures(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "rows": {"holdout": 20_000},
        "constant_log_loss": 0.17,
        "champion": None,
        "candidates": list(entries),
        "choice": {"tolerance": 0.0008},
        "drift": {name: {"feature": "tenure", "value": 0.0} for name in ("psi", "null_rise")},
    }


def entry(name: str, serving: int = 1_000, **figures: Any) -> dict[str, Any]:
    """A candidate that passes all gates and is as good as the others, but for what is said."""
    return {
        "name": name,
        "artifact_bytes": {"serving": serving},
        "latency_us": {"p99": 50.0},
        "conversion_max_difference": 0.0,
        "log_loss": 0.16,
        "ece": 0.001,
        "mean_p": 0.04,
        "mean_y": 0.04,
        "by_platform": [],
        "by_cohort": [],
        "validation": {"log_loss": 0.17, "excess_log_loss_upper": 0.0},
        **figures,
    }


SLOW = {"latency_us": {"p99": 5_000.0}}


def chosen(measured: dict[str, Any]) -> str | None:
    choice = choose(measured, RULES)
    return choice.chosen if choice else None


def test_the_smallest_that_can_be_afforded_is_chosen() -> None:
    measured = measures(entry("large", 3_000), entry("slow", 10, **SLOW), entry("small", 2_000))
    decision = decide(measured, RULES, chosen=chosen(measured))
    assert decision.chosen == "small"
    assert decision.left_out == ["left out of the choice: max_latency_p99_us of slow is 5000, limit 2000"]
    assert decision.refusals == []


def test_the_best_one_sets_the_mark() -> None:
    assert chosen(measures(entry("better", 3_000, **BETTER), entry("small", 10, **WORSE))) == "better"


@pytest.mark.parametrize(
    "fault", [SLOW, {"conversion_max_difference": 0.5}, {"conversion_max_difference": None}], ids=str
)
def test_a_best_one_that_is_unusable_sets_no_mark(fault: dict[str, Any]) -> None:
    close = {"validation": {**WORSE["validation"], "excess_over": {"better": 0.006, "large": 0.0001}}}
    far = {"validation": {**WORSE["validation"], "log_loss": 0.18, "excess_over": {"better": 0.02, "large": 0.01}}}
    first = {"validation": {**WORSE["validation"], "log_loss": 0.169}}
    others = entry("large", 3_000, **first), entry("small", 2_000, **close), entry("tiny", 10, **far)
    measured = measures(entry("better", **{**BETTER, **fault}), *others)
    choice = choose(measured, RULES)
    assert choice is not None
    assert (choice.best, choice.eligible, choice.chosen) == ("large", ["small", "large"], "small")
    assert set(choice.reasons) == {"large", "small", "tiny"}
    assert decide(measured, RULES, chosen="small").refusals == []


def test_only_failures_of_the_chosen_one_refuse() -> None:
    measured = measures(entry("good"), entry("uncalibrated", ece=0.5))
    assert decide(measured, RULES, chosen="good").refusals == []
    assert decide(measured, RULES, chosen="uncalibrated").refusals == ["max_ece of uncalibrated is 0.5, limit 0.02"]


def test_when_nobody_may_be_chosen_the_reasons_say_why() -> None:
    slow = measures(entry("slow", **SLOW))
    decision = decide(slow, RULES, chosen=chosen(slow))
    assert decision.chosen is None
    assert decision.refusals == ["left out of the choice: max_latency_p99_us of slow is 5000, limit 2000"]
    nobody = measures()
    assert decide(nobody, RULES, chosen=chosen(nobody)).refusals == ["there is no candidate"]
