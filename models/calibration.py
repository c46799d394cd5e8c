"""Fits calibrators and chooses one, where validation says that it helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit
from sklearn.isotonic import IsotonicRegression

from models.evaluation import row_log_loss
from models.serving.calibrators import EDGE, Beta, Calibrator, Isotonic, Platt, Uncalibrated, apply
from models.serving.types import Floats

Labels: TypeAlias = NDArray[np.int64]
Fit: TypeAlias = Callable[[Floats, Labels], Calibrator]

FOLDS = 5
ISOTONIC_EDGE = 1e-4
"""Isotonic probabilities are kept this far from 0 and 1: a run of rows without clicks proves nothing."""


@dataclass(frozen=True)
class CalibrationChoice:
    """The calibrator that was chosen, and what it does to rows that it was not fitted on."""

    calibrator: Calibrator
    """Fitted on all validation rows."""
    probabilities: Floats
    """Shape (n_rows,): validation probabilities, each calibrated by a fit on other users' rows."""


def fit_platt(p: Floats, label: Labels) -> Platt:
    """Fit Platt's two numbers by maximum likelihood."""
    p = np.clip(p, EDGE, 1 - EDGE)
    slope, intercept = _most_likely([logit(p)], label, np.array([1.0, 0.0]), method="BFGS", options={"gtol": 1e-9})
    return Platt(slope, intercept)


def fit_beta(p: Floats, label: Labels) -> Beta:
    """Fit the three numbers of a beta calibration by maximum likelihood."""
    p = np.clip(p, EDGE, 1 - EDGE)
    rising = [(0, None), (0, None), (None, None)]
    options = {"ftol": 1e-14, "gtol": 1e-9}
    columns = [np.log(p), -np.log1p(-p)]
    return Beta(*_most_likely(columns, label, np.array([1.0, 1.0, 0.0]), bounds=rising, options=options))


def fit_isotonic(p: Floats, label: Labels) -> Isotonic:
    """Fit a never-falling map; scikit-learn finds the knots."""
    fitted = IsotonicRegression(y_min=ISOTONIC_EDGE, y_max=1 - ISOTONIC_EDGE, out_of_bounds="clip").fit(p, label)
    return Isotonic(tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist()))


METHODS: tuple[Fit, ...] = (lambda _p, _label: Uncalibrated(), fit_platt, fit_beta, fit_isotonic)
"""Simplest first."""


def choose_calibrator(p: Floats, label: Labels, user: NDArray[np.int64], *, seed: int = 0) -> CalibrationChoice:
    """Choose among none, Platt, beta and isotonic by cross-fitted log-loss.

    A method replaces a simpler one only where its gain, judged on users that it was not fitted on, is
    larger than one standard error over users (the one-standard-error rule of Breiman et al., 1984).

    Parameters
    ----------
    p : ndarray of shape (n_rows,)
        Probabilities of the model on validation rows.
    label : ndarray of shape (n_rows,)
        1 where clicked.
    user : ndarray of shape (n_rows,)
        Whole users are left out, never single rows.
    seed : int
        Which user falls into which fold.
    """
    fold = _folds(user, seed)
    chosen, probabilities = METHODS[0], p
    for fit in METHODS[1:]:
        rival = _cross_fit(fit, p, label, fold)
        if _helps(row_log_loss(rival, label) - row_log_loss(probabilities, label), user):
            chosen, probabilities = fit, rival
    return CalibrationChoice(chosen(p, label), probabilities)


def _most_likely(columns: Sequence[Floats], label: Labels, start: Floats, **more: Any) -> list[float]:
    """Give the weights of columns, and the intercept, that make the labels most likely.

    Labels are softened as Platt (1999) does, so that a part without clicks still gives finite numbers.
    """
    clicks, others = label.sum(), len(label) - label.sum()
    target = np.where(label == 1, (clicks + 1) / (clicks + 2), 1 / (others + 2))

    def loss(weights: Floats) -> tuple[float, Floats]:
        z = sum((weight * column for weight, column in zip(weights, columns, strict=False)), start=weights[-1])
        error = expit(z) - target
        value = -np.mean(target * log_expit(z) + (1 - target) * log_expit(-z))
        return float(value), np.array([*(np.mean(error * column) for column in columns), np.mean(error)])

    found: list[float] = minimize(loss, start, jac=True, **more).x.tolist()
    return found


def _folds(user: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    users, position = np.unique(user, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(users)) % FOLDS)[position]


def _cross_fit(fit: Fit, p: Floats, label: Labels, fold: NDArray[np.int64]) -> Floats:
    calibrated = np.empty_like(p)
    for index in range(FOLDS):
        out = fold == index
        if out.any():
            calibrated[out] = apply(fit(p[~out], label[~out]), p[out])
    return calibrated


def _helps(excess: Floats, user: NDArray[np.int64]) -> bool:
    """Tell whether the summed excess is below zero by more than its standard error over users."""
    _, position = np.unique(user, return_inverse=True)
    of_user = np.bincount(position, weights=excess)
    return bool(of_user.sum() < -np.sqrt(np.square(of_user).sum()))
