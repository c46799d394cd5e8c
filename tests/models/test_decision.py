"""The smallest eligible candidate that can be afforded is chosen; only its own gates can forbid it."""

from __future__ import annotations

from typing import Any

from jobs.gates_file import read_gates
from models.decision import choose, decide

RULES = read_gates()


def measures(eligible: list[str], **p99: float) -> dict[str, Any]:
    """Candidates that pass all quality gates but for the one named ``uncalibrated``."""
    candidates = [
        {
            "name": name,
            "artifact_bytes": {"serving": 1_000},
            "latency_us": {"p99": latency},
            "conversion_max_difference": 0.0,
            "log_loss": 0.16,
            "ece": 0.5 if name == "uncalibrated" else 0.001,
            "mean_p": 0.04,
            "mean_y": 0.04,
            "by_platform": [],
            "by_cohort": [],
        }
        for name, latency in p99.items()
    ]
    return {
        "rows": {"holdout": 20_000},
        "constant_log_loss": 0.17,
        "champion": None,
        "candidates": candidates,
        "choice": {"eligible": eligible},
        "drift": {name: {"feature": "tenure", "value": 0.0} for name in ("psi", "null_rise")},
    }


def test_the_first_eligible_that_can_be_afforded_is_chosen() -> None:
    measured = measures(["slow", "small", "large"], large=50.0, slow=5_000.0, small=50.0, better=50.0)
    decision = decide(measured, RULES, chosen=choose(measured, RULES))
    assert decision.chosen == "small"
    assert decision.left_out == ["left out of the choice: max_latency_p99_us of slow is 5000, limit 2000"]
    assert decision.refusals == []


def test_only_failures_of_the_chosen_one_refuse() -> None:
    measured = measures(["good", "uncalibrated"], good=50.0, uncalibrated=50.0)
    assert decide(measured, RULES, chosen="good").refusals == []
    assert decide(measured, RULES, chosen="uncalibrated").refusals == ["max_ece of uncalibrated is 0.5, limit 0.02"]


def test_when_nobody_may_be_chosen_the_reasons_say_why() -> None:
    slow = measures(["slow"], slow=5_000.0)
    decision = decide(slow, RULES, chosen=choose(slow, RULES))
    assert decision.chosen is None
    assert decision.refusals == ["left out of the choice: max_latency_p99_us of slow is 5000, limit 2000"]
    nobody = measures([], good=50.0)
    assert decide(nobody, RULES, chosen=choose(nobody, RULES)).refusals == ["no candidate is eligible"]
