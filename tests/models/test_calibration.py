"""Calibration is fitted on validation, and only kept where it helps users that it was not fitted on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from models.calibration import (
    DRIFT_REPEATS,
    CalibrationChoice,
    Fit,
    at_level,
    choose_calibrator,
    fit_beta,
    fit_isotonic,
    fit_level,
    fit_platt,
)
from models.evaluation import ece, log_loss
from models.serving.calibrators import Calibrator, Platt, Uncalibrated
from models.serving.types import Floats

N = 20_000
USER = np.arange(N) // 3


def draw(seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give true probabilities, and clicks that follow them."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 20, N)
    return p, (rng.random(N) < p).astype(np.int64)


def choose(p: Floats, label: NDArray[np.int64], *, rate: float | None = None, seed: int = 0) -> CalibrationChoice:
    return choose_calibrator(p, label, USER, rate=float(p.mean()) if rate is None else rate, seed=seed)


def is_shift(calibrator: Calibrator) -> bool:
    return isinstance(calibrator, Uncalibrated) or (isinstance(calibrator, Platt) and calibrator.slope == 1)


def test_the_shape_of_true_probabilities_is_mostly_left_alone() -> None:
    chosen = [choose(*draw(seed)).calibrator for seed in range(6)]
    assert sum(map(is_shift, chosen)) >= 4  # a one-standard-error rule errs now and then


def test_validations_own_click_rate_is_left_to_the_second_fit() -> None:
    """A model without drift is as it was, however far validation's rate has moved; it is judged at that rate."""
    p, label = draw(0)
    choice = choose(expit(logit(p) + 0.5), label)
    assert is_shift(choice.calibrator)
    assert choice.calibrator.apply(p) == pytest.approx(p, abs=1e-9)
    assert choice.probabilities.mean() == pytest.approx(label.mean(), rel=0.01)
    assert log_loss(choice.probabilities, label) == pytest.approx(log_loss(p, label), abs=1e-4)


def test_a_model_that_is_right_is_not_calibrated() -> None:
    p, label = draw(0)
    error = 1 / np.sqrt(label.sum())
    drifts = (0.0, 0.9 * error, -0.9 * error, 1.5 * error)
    rates = [float(expit(logit(p.mean()) + drift / DRIFT_REPEATS)) for drift in drifts]
    chosen = [choose(p, label, rate=rate).calibrator for rate in rates]
    assert [calibrator.method for calibrator in chosen] == ["none", "none", "none", "platt"]
    assert chosen[-1].apply(p).mean() > p.mean()


def test_what_puts_a_sampled_models_level_right_is_kept() -> None:
    p, label = draw(0)
    known = Platt(1.0, -1.0)
    choice = choose_calibrator(expit(logit(p) + 1), label, USER, rate=float(p.mean()), known=known)
    assert choice.calibrator.method == "platt"
    assert choice.calibrator.apply(expit(logit(p) + 1)) == pytest.approx(p, abs=1e-3)


@pytest.mark.parametrize("bend", [1.0, 1.6])
def test_most_of_a_models_drift_is_taken_back(bend: float) -> None:
    """Fitted at a rate of 9 %, it says 14 % of later rows, or says so with a wrong slope."""
    p, label = draw(0)
    drifted = expit(bend * (logit(p) + 0.5))
    before = (label.mean(), drifted.mean())
    level = choose(drifted, label, rate=label.mean()).calibrator.apply(drifted).mean()
    odds = [np.log(one / (1 - one)) for one in (*before, level)]
    assert odds[2] - odds[1] == pytest.approx(DRIFT_REPEATS * (odds[0] - odds[1]), abs=1e-3)


@pytest.mark.parametrize("fit", [fit_platt, fit_beta, fit_isotonic])
def test_a_level_is_set_and_the_shape_is_kept(fit: Fit) -> None:
    p, label = draw(0)
    wrong = expit(1.5 * logit(p) + 2)
    fitted = fit(wrong, label)
    kept = at_level(fitted, wrong, wrong.mean())
    assert kept.apply(wrong).mean() == pytest.approx(wrong.mean(), rel=1e-9)
    shifts = logit(kept.apply(wrong)) - logit(fitted.apply(wrong))
    assert np.ptp(shifts) < 1e-9
    assert shifts.mean() > 0.5


def test_a_level_is_set_where_nothing_differs() -> None:
    zeros = np.zeros(10)
    assert at_level(Uncalibrated(), zeros, 0.0).apply(zeros) == pytest.approx(zeros, abs=1e-9)
    assert at_level(Uncalibrated(), zeros + 0.1, 0.2).apply(zeros + 0.1) == pytest.approx(zeros + 0.2)


def test_a_shifted_logit_is_put_right_by_platt() -> None:
    p, label = draw(1)
    choice = choose(expit(1.5 * logit(p) - 0.5), label)
    assert choice.calibrator.method == "platt"
    assert log_loss(choice.probabilities, label) < log_loss(p, label) + 1e-3
    assert ece(choice.probabilities, label) < 0.01


def test_what_platt_cannot_bend_isotonic_can() -> None:
    p, label = draw(2)
    bent = np.where(p < 0.1, p / 10, 0.5 + p / 10)
    assert choose(bent, label).calibrator.method == "isotonic"


def test_users_of_a_fold_do_not_calibrate_themselves() -> None:
    """Each user's rows share a probability of their own: fitted on these users, isotonic would know every label."""
    rng = np.random.default_rng(3)
    of_user = rng.random(N // 10)
    label = np.repeat((rng.random(N // 10) < 0.3).astype(np.int64), 10)
    choice = choose_calibrator(np.repeat(of_user, 10), label, np.arange(N) // 10, rate=0.3)
    assert log_loss(choice.probabilities, label) > 0.6  # the entropy of 0.3 is 0.61


def test_platt_is_unpenalised_logistic_regression() -> None:
    p, label = draw(4)
    wrong = expit(1.5 * logit(p) - 0.5)
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(wrong)[:, np.newaxis], label)
    platt = fit_platt(wrong, label)
    assert platt.slope == pytest.approx(oracle.coef_[0, 0], abs=2e-3)  # its labels are softened
    assert platt.intercept == pytest.approx(oracle.intercept_[0], abs=5e-3)


def test_beta_is_unpenalised_logistic_regression_on_both_logarithms() -> None:
    rng = np.random.default_rng(6)
    p = rng.beta(2, 8, N)
    label = (rng.random(N) < expit(0.7 * np.log(p) - 2 * np.log1p(-p) - 0.2)).astype(np.int64)
    columns = np.column_stack([np.log(p), -np.log1p(-p)])
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(columns, label)
    beta = fit_beta(p, label)
    assert [beta.a, beta.b] == pytest.approx(oracle.coef_[0].tolist(), abs=1e-2)  # its labels are softened
    assert beta.c == pytest.approx(oracle.intercept_[0], abs=1e-2)


def test_a_beta_never_falls() -> None:
    """Where clicks fall as probabilities rise, the best map that may not fall is flat."""
    p = np.linspace(0.01, 0.99, 2000)
    label = (np.random.default_rng(7).random(2000) < 1 - p).astype(np.int64)
    beta = fit_beta(p, label)
    assert min(beta.a, beta.b) >= 0
    assert (np.diff(beta.apply(p)) >= 0).all()


def test_what_platt_cannot_bend_and_beta_can_is_left_to_beta() -> None:
    p, label = draw(8)
    bent = expit((logit(p) + 0.5 - 4 * p) / 2)
    assert choose(bent, label).calibrator.method in {"beta", "isotonic"}
    gain = log_loss(fit_platt(bent, label).apply(bent), label) - log_loss(fit_beta(bent, label).apply(bent), label)
    assert gain > 0


@pytest.mark.parametrize("fit", [fit_level, fit_platt, fit_beta])
def test_numbers_are_finite_without_clicks(fit: Fit) -> None:
    calibrator = fit(np.array([0.1, 0.2, 0.3]), np.array([0, 0, 0]))
    assert np.isfinite([value for name, value in calibrator.to_json().items() if name != "method"]).all()
    assert np.isfinite(calibrator.apply(np.array([0.0, 0.2, 1.0]))).all()


def test_isotonic_is_scikit_learns_within_its_edges() -> None:
    p, label = draw(5)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(p, label).predict(p)
    np.testing.assert_allclose(fit_isotonic(p, label).apply(p), np.clip(oracle, 1e-4, 1 - 1e-4), atol=1e-9)


def test_the_same_seed_gives_the_same_choice() -> None:
    p, label = draw(6)
    wrong = expit(2 * logit(p) + 1)
    first, second = (choose(wrong, label, seed=7) for _ in range(2))
    assert first.calibrator == second.calibrator
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
