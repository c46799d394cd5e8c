"""The smallest of those that are as good as the best, and a reason for each."""

from __future__ import annotations

import numpy as np

from models.choice import TOLERANCE, ValidationResult, choose, compare

RESULTS = {
    "best": ValidationResult(0.1700, 0.0),
    "close and small": ValidationResult(0.1702, 0.0007),
    "close and large": ValidationResult(0.1701, 0.0003),
    "tiny but worse": ValidationResult(0.1750, 0.0060),
    "tiny but unsure": ValidationResult(0.1703, 0.0008),
}
SIZES = {
    "best": 500,
    "close and small": 100,
    "close and large": 900,
    "tiny but worse": 10,
    "tiny but unsure": 10,
}


def test_the_smallest_of_the_eligible_wins() -> None:
    choice = choose(RESULTS, SIZES)
    assert choice.chosen == "close and small"
    assert choice.best == "best"
    assert choice.eligible == ["close and small", "best", "close and large"]


def test_the_bound_itself_is_not_below_the_tolerance() -> None:
    assert RESULTS["tiny but unsure"].excess_log_loss_upper == TOLERANCE
    assert choose(RESULTS, SIZES, tolerance=0.00081).chosen == "tiny but unsure"


def test_every_candidate_has_its_reason() -> None:
    reasons = choose(RESULTS, SIZES).to_json()["reasons"]
    assert reasons["close and small"] == (
        "Chosen: it may lose up to 0.00070 nats a send to best, which counts as equally good, "
        "and is the smallest of 3 that do as well, at 100 bytes."
    )
    assert reasons["best"] == (
        "Eligible, but not chosen: it predicts best, but it has 500 bytes where close and small has 100 bytes."
    )
    assert reasons["tiny but worse"] == (
        "Not eligible: it may lose up to 0.00600 nats a send to best, and 0.0008 is tolerated."
    )
    alone = choose(RESULTS, SIZES, tolerance=0.0).reasons["best"]
    assert alone == "Chosen: it predicts best, and no other does as well, at 500 bytes."


def test_the_best_is_eligible_whatever_the_tolerance() -> None:
    assert choose(RESULTS, SIZES, tolerance=0.0).chosen == "best"


def test_a_tie_is_settled_by_name() -> None:
    same = {name: ValidationResult(0.17, 0.0) for name in ("b", "a")}
    assert choose(same, {"a": 1, "b": 1}).chosen == "a"


def test_candidates_are_compared_row_by_row() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(2, 20, 6000)
    label, user = (rng.random(6000) < p).astype(np.int64), np.arange(6000) // 3
    results = compare({"true": p, "nearly": p * 1.02, "constant": np.full(6000, p.mean())}, label, user)
    assert results["true"].excess_log_loss_upper == 0
    assert 0 < results["nearly"].excess_log_loss_upper < TOLERANCE < results["constant"].excess_log_loss_upper


def test_the_bound_is_known_over_every_better_one() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(2, 20, 6000)
    label, user = (rng.random(6000) < p).astype(np.int64), np.arange(6000) // 3
    results = compare({"constant": np.full(6000, p.mean()), "nearly": p * 1.02, "true": p}, label, user)
    assert {name: list(result.excess_over) for name, result in results.items()} == {
        "constant": ["true", "nearly"],
        "nearly": ["true"],
        "true": [],
    }
    assert results["constant"].excess_log_loss_upper == results["constant"].excess_over["true"]
    left = {name: results[name] for name in ("constant", "nearly")}
    assert choose(left, {"constant": 1, "nearly": 2}).reasons["constant"].startswith("Not eligible")
