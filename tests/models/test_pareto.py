"""A model is on the front when no other one beats it at everything."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from models.pareto import costs_of, pareto_front

COSTS = st.tuples(*[st.integers(0, 5)] * 3)


def test_a_model_that_is_worse_in_all_is_not_on_the_front() -> None:
    costs = {
        "good": (0.17, 500, 60.0),
        "small": (0.18, 100, 60.0),
        "good, but slower": (0.17, 500, 61.0),
        "worse in all": (0.19, 600, 70.0),
        "fast": (0.19, 600, 20.0),
    }
    assert pareto_front(costs) == ["good", "small", "fast"]


def test_equals_do_not_drive_each_other_out() -> None:
    assert pareto_front({"a": (1, 2, 3), "b": (1, 2, 3)}) == ["a", "b"]


def test_what_was_not_measured_is_left_out_and_dominates_nobody() -> None:
    assert pareto_front({"a": (0, None, 0), "b": (0, math.nan, 0), "c": (1, 1, 1)}) == ["c"]


@given(st.dictionaries(st.text(max_size=3), COSTS, min_size=1))
def test_everyone_off_the_front_is_beaten_by_one_on_it(costs: dict[str, tuple[int, ...]]) -> None:
    front = set(pareto_front(costs))
    assert front
    for name, own in costs.items():
        beaten = [
            rival
            for rival in front
            if costs[rival] != own and all(left <= right for left, right in zip(costs[rival], own, strict=True))
        ]
        assert bool(beaten) == (name not in front)


def test_the_costs_are_those_of_the_hold_out() -> None:
    entry = {"log_loss": 0.17, "artifact_bytes": {"serving": 9, "joblib": 1}, "latency_us": {"p50": 1.0, "p99": 2.0}}
    assert costs_of(entry) == (0.17, 9, 2.0)
