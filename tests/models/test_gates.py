"""A gate lets a candidate through only when what it asks for was measured and holds."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from pydantic import ValidationError

from models.gate_rules import DriftRules, Rules, SliceRules
from models.gates import GateResult, evaluate

RULES = Rules(
    max_serving_bytes=1_000,
    max_joblib_bytes=10_000,
    max_latency_p99_us=200,
    max_conversion_difference=1e-6,
    min_holdout_rows=500,
    min_gain_over_constant=0.125,
    max_log_loss_over_champion=0.125,
    max_ece=0.01,
    min_mean_ratio=0.8,
    max_mean_ratio=1.25,
    platform=SliceRules(min_rows=100, max_ece=0.02, min_mean_ratio=0.5, max_mean_ratio=2.0),
    cohort=SliceRules(min_rows=50, max_ece=0.03, min_mean_ratio=0.25, max_mean_ratio=4.0),
    drift=DriftRules(max_psi=2.0, max_null_rise=0.25),
    scoring_drift=DriftRules(max_psi=8.0, max_null_rise=0.5),
)

# every value lies exactly on its limit (bounds are included)
ON_THE_LIMITS: dict[str, Any] = {
    "rows": {"train": 5_000, "holdout": 500},
    "constant_log_loss": 0.5,
    "champion": {"log_loss": 0.25},
    "drift": {"psi": {"feature": "sends_7d", "value": 2.0}, "null_rise": {"feature": "platform", "value": 0.25}},
    "scoring_drift": {"psi": {"feature": "age", "value": 8.0}, "null_rise": {"feature": "network", "value": 0.5}},
    "candidates": [
        {
            "name": "forest",
            "artifact_bytes": {"serving": 1_000, "joblib": 10_000},
            "latency_us": {"p50": 20.0, "p99": 200.0, "n": 1_000},
            "conversion_max_difference": 1e-6,
            "log_loss": 0.375,
            "ece": 0.01,
            "mean_p": 0.05,
            "mean_y": 0.04,
            "by_platform": [{"platform": "android", "n": 100, "ece": 0.02, "mean_p_over_mean_y": 2.0}],
            "by_cohort": [{"cohort": "new", "n": 50, "ece": 0.03, "mean_p_over_mean_y": 4.0}],
        }
    ],
}

# where a value lies in the measures, by rule
PATHS: dict[str, tuple[Any, ...]] = {
    "max_serving_bytes": ("candidates", 0, "artifact_bytes", "serving"),
    "max_joblib_bytes": ("candidates", 0, "artifact_bytes", "joblib"),
    "max_latency_p99_us": ("candidates", 0, "latency_us", "p99"),
    "max_conversion_difference": ("candidates", 0, "conversion_max_difference"),
    "min_holdout_rows": ("rows", "holdout"),
    "min_gain_over_constant": ("constant_log_loss",),
    "max_log_loss_over_champion": ("champion", "log_loss"),
    "max_ece": ("candidates", 0, "ece"),
    "min_mean_ratio": ("candidates", 0, "mean_p"),
    "max_mean_ratio": ("candidates", 0, "mean_y"),
    "platform.max_ece": ("candidates", 0, "by_platform", 0, "ece"),
    "platform.min_mean_ratio": ("candidates", 0, "by_platform", 0, "mean_p_over_mean_y"),
    "platform.max_mean_ratio": ("candidates", 0, "by_platform", 0, "mean_p_over_mean_y"),
    "cohort.max_ece": ("candidates", 0, "by_cohort", 0, "ece"),
    "cohort.min_mean_ratio": ("candidates", 0, "by_cohort", 0, "mean_p_over_mean_y"),
    "cohort.max_mean_ratio": ("candidates", 0, "by_cohort", 0, "mean_p_over_mean_y"),
    "drift.max_psi": ("drift", "psi", "value"),
    "drift.max_null_rise": ("drift", "null_rise", "value"),
    "scoring_drift.max_psi": ("scoring_drift", "psi", "value"),
    "scoring_drift.max_null_rise": ("scoring_drift", "null_rise", "value"),
}

BEYOND = {
    "max_serving_bytes": 1_001,
    "max_joblib_bytes": 10_001,
    "max_latency_p99_us": 200.1,
    "max_conversion_difference": 1.1e-6,
    "min_holdout_rows": 499,
    "min_gain_over_constant": 0.499,
    "max_log_loss_over_champion": 0.2499,
    "max_ece": 0.0101,
    "min_mean_ratio": 0.0319,
    "max_mean_ratio": 0.0399,
    "platform.max_ece": 0.0201,
    "platform.min_mean_ratio": 0.49,
    "platform.max_mean_ratio": 2.01,
    "cohort.max_ece": 0.0301,
    "cohort.min_mean_ratio": 0.24,
    "cohort.max_mean_ratio": 4.01,
    "drift.max_psi": 2.01,
    "drift.max_null_rise": 0.251,
    "scoring_drift.max_psi": 8.01,
    "scoring_drift.max_null_rise": 0.501,
}


def with_value(path: tuple[Any, ...], value: object) -> dict[str, Any]:
    measures = copy.deepcopy(ON_THE_LIMITS)
    place: Any = measures
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return measures


def without(path: tuple[Any, ...]) -> dict[str, Any]:
    measures = copy.deepcopy(ON_THE_LIMITS)
    place: Any = measures
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return measures


def failed(measures: dict[str, Any]) -> set[str]:
    return {result.rule for result in evaluate(measures, RULES) if not result.passed}


def result_of(rule: str, measures: dict[str, Any]) -> GateResult:
    return next(result for result in evaluate(measures, RULES) if result.rule == rule)


def test_every_rule_is_judged_and_its_bound_is_included() -> None:
    results = evaluate(ON_THE_LIMITS, RULES)
    assert [result.rule for result in results] == list(PATHS)
    assert all(result.passed for result in results)


@pytest.mark.parametrize("rule", PATHS)
def test_a_value_beyond_the_limit_fails_that_rule_alone(rule: str) -> None:
    assert failed(with_value(PATHS[rule], BEYOND[rule])) == {rule}


@pytest.mark.parametrize("absent", ["missing", None, math.nan, math.inf, "12", True])
@pytest.mark.parametrize("rule", PATHS)
def test_a_value_that_was_not_measured_fails(rule: str, absent: object) -> None:
    measures = without(PATHS[rule]) if absent == "missing" else with_value(PATHS[rule], absent)
    result = result_of(rule, measures)
    assert not result.passed
    assert result.value is None
    assert "is unknown, limit" in str(result)


def test_every_candidate_is_judged() -> None:
    measures = copy.deepcopy(ON_THE_LIMITS)
    measures["candidates"].append({"name": "nothing was measured", "by_platform": None, "by_cohort": None})
    results = evaluate(measures, RULES)
    assert all(result.passed for result in results if result.candidate == "forest")
    others = [result for result in results if result.candidate == "nothing was measured"]
    # the hold-out's rows and features are those of all candidates
    shared = {
        "min_holdout_rows",
        *(f"{of}drift.max_{name}" for of in ("", "scoring_") for name in ("psi", "null_rise")),
    }
    assert {result.rule for result in others if result.passed} == shared


def test_no_champion_is_not_applicable() -> None:
    result = result_of("max_log_loss_over_champion", with_value(("champion",), None))
    assert (result.passed, result.value) == (True, None)
    assert result.note == "not applicable: no other champion"


def test_a_champion_that_could_not_be_measured_fails_and_says_why() -> None:
    result = result_of("max_log_loss_over_champion", with_value(("champion",), {"error": "no column device_age"}))
    assert not result.passed
    assert result.note == "champion not measured: no column device_age"


def test_measures_that_do_not_speak_of_a_champion_fail() -> None:
    assert "max_log_loss_over_champion" in failed(without(("champion",)))


def test_a_better_candidate_than_the_champion_passes_with_a_negative_excess() -> None:
    result = result_of("max_log_loss_over_champion", with_value(("champion", "log_loss"), 0.5))
    assert result.passed
    assert result.value == -0.125


@pytest.mark.parametrize("kind", ["platform", "cohort"])
def test_data_without_slices_is_not_applicable(kind: str) -> None:
    result = result_of(f"{kind}.max_ece", with_value(("candidates", 0, f"by_{kind}"), []))
    assert (result.passed, result.note) == (True, f"not applicable: no {kind} in the data")


@pytest.mark.parametrize("kind", ["platform", "cohort"])
def test_measures_that_do_not_speak_of_slices_fail(kind: str) -> None:
    assert failed(without(("candidates", 0, f"by_{kind}"))) == {f"{kind}.max_ece"}


def test_a_small_platform_is_reported_and_not_gated() -> None:
    small = [{"platform": "web", "n": 99, "ece": 0.5, "mean_p_over_mean_y": 9.0}]
    result = result_of("platform.max_ece", with_value(("candidates", 0, "by_platform"), small))
    assert (result.passed, result.value) == (True, 0.5)
    assert result.note == "web, 99 rows, below min_rows 100: reported, not gated"


def test_a_hold_out_without_clicks_has_no_ratio() -> None:
    assert failed(with_value(("candidates", 0, "mean_y"), 0.0)) == {"min_mean_ratio", "max_mean_ratio"}


def test_a_rule_without_limit_is_left_out() -> None:
    rules = RULES.model_copy(update={"max_joblib_bytes": None})
    assert "max_joblib_bytes" not in {result.rule for result in evaluate(ON_THE_LIMITS, rules)}


def test_a_feature_that_drifted_is_named() -> None:
    result = result_of("drift.max_psi", with_value(("drift", "psi", "value"), 9.5))
    assert str(result) == "drift.max_psi of forest is 9.5, limit 2 (feature sends_7d)"


@pytest.mark.parametrize("kind", ["drift", "scoring_drift"])
def test_without_limits_on_drift_it_is_not_applicable(kind: str) -> None:
    rules = RULES.model_copy(update={kind: None})
    (result,) = (result for result in evaluate(ON_THE_LIMITS, rules) if result.rule.startswith(f"{kind}."))
    assert (result.passed, result.limit) == (True, None)
    assert result.note == f"not applicable: the gates have no [{kind}]"


@pytest.mark.parametrize(
    "change", [{"max_ece": math.nan}, {"max_ece": "low"}, {"min_auc": 0.5}, {"min_gain_over_constant": 0}]
)
def test_wrong_limits_are_not_accepted(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rules.model_validate({**RULES.model_dump(), **change})
