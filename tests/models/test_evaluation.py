"""Quality measures against scikit-learn and slow oracles, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from models import evaluation

Numbers = NDArray[np.float64]
Integers = NDArray[np.int64]
Drawn = tuple[Numbers, Integers, Integers]


def draw(n: int, seed: int, *, ties: bool = False) -> Drawn:
    """Rows whose probabilities are true, three a user."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 20, n)
    p = p.round(2) if ties else p
    return p, (rng.random(n) < p).astype(np.int64), np.arange(n) // 3


@pytest.fixture(params=[False, True], ids=["distinct", "ties"])
def drawn(request: pytest.FixtureRequest) -> Drawn:
    return draw(3000, 0, ties=request.param)


def test_auc_and_log_loss_are_those_of_scikit_learn(drawn: Drawn) -> None:
    p, label, _ = drawn
    assert evaluation.auc(p, label) == pytest.approx(metrics.roc_auc_score(label, p), abs=1e-12)
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    assert evaluation.log_loss(p, label) == pytest.approx(metrics.log_loss(label, clipped), abs=1e-12)


def test_auc_of_one_class_is_no_number() -> None:
    assert np.isnan(evaluation.auc(np.array([0.1, 0.2]), np.array([0, 0])))


def test_log_loss_of_a_sure_mistake_is_finite() -> None:
    assert 30 < evaluation.log_loss(np.array([0.0]), np.array([1])) < 40


def test_ece_is_that_of_a_slow_oracle() -> None:
    p, label, _ = draw(3001, 1)
    bins = np.array_split(np.argsort(p), 15)
    slow = sum(len(rows) * abs(p[rows].mean() - label[rows].mean()) for rows in bins) / len(p)
    assert evaluation.ece(p, label) == pytest.approx(slow, abs=2e-4)  # bins may differ by one row
    sizes = [row["n"] for row in evaluation.calibration_bins(p, label)]
    assert len(sizes) == 15
    assert max(sizes) - min(sizes) <= 1


def test_equal_probabilities_share_a_bin_whatever_the_order_of_rows() -> None:
    p, label, _ = draw(3000, 2, ties=True)
    order = np.argsort(label)  # the worst order: all clicks last
    assert evaluation.ece(p[order], label[order]) == pytest.approx(evaluation.ece(p, label), abs=1e-12)
    one = evaluation.calibration_bins(np.full(10, 0.3), np.array([1, 0] * 5))
    assert one == [{"p_mean": pytest.approx(0.3), "y_mean": 0.5, "n": 10}]


def test_auc_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    p, label, _ = draw(200_000, 3)
    truth = evaluation.auc(p, label)
    intervals = [evaluation.auc_interval(*draw(1500, seed), draws=100) for seed in range(100, 160)]
    covered = np.mean([low <= truth <= high for low, high in intervals])
    assert 0.85 <= covered <= 1.0
    assert all(low < high for low, high in intervals)


def test_users_are_resampled_not_rows() -> None:
    p, label, _ = draw(600, 4)
    p, label = np.repeat(p, 20), np.repeat(label, 20)  # the same 600 users, seen 20 times each
    by_user = evaluation.auc_interval(p, label, np.repeat(np.arange(600), 20))
    by_row = evaluation.auc_interval(p, label, np.arange(len(p)))
    assert by_user.high - by_user.low > 3 * (by_row.high - by_row.low)


def test_excess_of_a_worse_candidate_is_bounded_away_from_zero() -> None:
    p, label, user = draw(20_000, 5)
    worse = np.full(len(p), p.mean())
    bound = evaluation.excess_upper(worse, p, label, user)
    mean = evaluation.log_loss(worse, label) - evaluation.log_loss(p, label)
    assert 0 < mean < bound < 2 * mean
    assert evaluation.excess_upper(p, p, label, user) == 0


def test_excess_bound_is_one_sided_95_percent() -> None:
    rng = np.random.default_rng(6)
    p, label, user = draw(30_000, 6)
    noisy = np.clip(p + rng.normal(0, 0.01, len(p)), 0.001, 0.999)
    excess = evaluation.row_log_loss(noisy, label) - evaluation.row_log_loss(p, label)
    of_user = np.bincount(user, weights=excess)
    normal = excess.mean() + 1.645 * of_user.std() * np.sqrt(len(of_user)) / len(p)
    assert evaluation.excess_upper(noisy, p, label, user) == pytest.approx(normal, rel=0.2)


def test_intervals_of_paired_differences_are_those_of_the_normal_law() -> None:
    rng = np.random.default_rng(6)
    p, label, user = draw(30_000, 6)
    noisy = np.clip(p + rng.normal(0, 0.01, len(p)), 0.001, 0.999)
    excess = evaluation.row_log_loss(noisy, label) - evaluation.row_log_loss(p, label)
    spread = np.bincount(user, weights=excess).std() * np.sqrt(user.max() + 1) / len(p)
    low, high = evaluation.excess_interval(noisy, p, label, user)
    assert low < excess.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * spread, rel=0.2)
    low, high = evaluation.auc_gain_interval(p, noisy, label, user)
    assert low < evaluation.auc(p, label) - evaluation.auc(noisy, label) < high
    single = evaluation.auc_interval(p, label, user)
    assert high - low < 0.5 * (single.high - single.low), "paired: what both share falls out"
    assert evaluation.auc_gain_interval(p, p, label, user) == (0, 0)


def test_lift_ranks_users_and_shares_ties() -> None:
    p = np.array([0.9, 0.7, 0.2, 0.2, 0.1, 0.1])
    label = np.array([1, 1, 1, 0, 0, 0])
    user = np.array([0, 0, 1, 2, 3, 3])  # four users; 1 and 2 are tied
    held = {row["share_of_users"]: row["share_of_clicks"] for row in evaluation.lift(p, label, user)}
    assert held[1.0] == 1
    assert held[0.5] == pytest.approx(2 / 3 + 1 / 6)  # user 0, and half of what users 1 and 2 hold
    assert held[0.1] == pytest.approx(2 / 3 * 0.1 / 0.25)


def test_calibration_of_slices_names_the_unknown() -> None:
    p, label = np.array([0.2, 0.4, 0.3, 0.1]), np.array([0, 1, 0, 0])
    table = evaluation.calibration_by("platform", p, label, np.array(["ios", "ios", None, "android"], dtype=object))
    assert [row["platform"] for row in table] == ["android", "ios", "unknown"]
    assert [row["n"] for row in table] == [1, 2, 1]
    assert [row["mean_y"] for row in table] == [0.0, 0.5, 0.0]
    assert table[1]["mean_p_over_mean_y"] == pytest.approx(0.3 / 0.5)
    assert table[0]["mean_p_over_mean_y"] is None


def test_constant_log_loss_is_that_of_the_rate() -> None:
    label = np.array([1, 0, 0, 0])
    expected = -(np.log(0.2) + 3 * np.log(0.8)) / 4
    assert evaluation.constant_log_loss(0.2, label) == pytest.approx(expected)
