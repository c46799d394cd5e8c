"""Fits calibrators and chooses one, where validation says that it helps.

The model that a calibrator is put on is fitted again, on validation's rows too. So a calibrator keeps the shape that
validation taught it, but of the level only what will come again. How validation's click rate differs from the rate that
the model was fitted at is left to the second fit, which has those rows itself: counted twice it made probabilities 20 %
too high. What remains is the model's own drift, the mean of its later probabilities against the rate that it was fitted
at: histories have grown since, say. Most of a drift repeats (see `DRIFT_REPEATS`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit, log_expit, logit
from sklearn.isotonic import IsotonicRegression

from models.evaluation import row_log_loss
from models.serving.calibrators import EDGE, Beta, Calibrator, Isotonic, Platt, Uncalibrated
from models.serving.types import Floats

Labels: TypeAlias = NDArray[np.int64]
Fit: TypeAlias = Callable[[Floats, Labels], Calibrator]

UNCALIBRATED = Uncalibrated()
FOLDS = 5
DRIFT_REPEATS = 0.7
"""How much of a model's drift (in logits) its second fit shows again: the slope of a regression over 23 pairs of fits
at rolling origins, all before the hold-out, of four models on a real log and on the simulator's."""
WIDEST_SHIFT = 60.0
"""Logits lie within about 28 of 0 (see `EDGE`), so this shifts any of them past any other."""
ISOTONIC_EDGE = 1e-4
"""Isotonic probabilities are kept this far from 0 and 1: a run of rows without clicks proves nothing."""


@dataclass(frozen=True)
class CalibrationChoice:
    """The calibrator that was chosen, and what it does to rows that it was not fitted on."""

    calibrator: Calibrator
    """Fitted on all validation rows, then shifted to the level that is expected of the second fit."""
    probabilities: Floats
    """Shape (n_rows,): validation probabilities, at validation's level, each calibrated by a fit on other users."""


def fit_level(p: Floats, label: Labels) -> Platt:
    """Fit a shift of all logits that gives the mean of the labels (softened, see `_softened`), and no shape."""
    return Platt(1.0, _shift_to(p, float(_softened(label).mean())))


def fit_platt(p: Floats, label: Labels) -> Platt:
    """Fit Platt's two numbers by maximum likelihood."""
    slope, intercept = _most_likely([_logits(p)], label, np.array([1.0, 0.0]))
    return Platt(slope, intercept)


def fit_beta(p: Floats, label: Labels) -> Beta:
    """Fit the three numbers of a beta calibration by maximum likelihood."""
    p = np.clip(p, EDGE, 1 - EDGE)
    rising = [(0, None), (0, None), (None, None)]
    columns = [np.log(p), -np.log1p(-p)]
    return Beta(*_most_likely(columns, label, np.array([1.0, 1.0, 0.0]), bounds=rising))


def fit_isotonic(p: Floats, label: Labels) -> Isotonic:
    """Fit a never-falling map; scikit-learn finds the knots."""
    fitted = IsotonicRegression(y_min=ISOTONIC_EDGE, y_max=1 - ISOTONIC_EDGE, out_of_bounds="clip").fit(p, label)
    return Isotonic(tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist()))


METHODS: tuple[Fit, ...] = (fit_level, fit_platt, fit_beta, fit_isotonic)
"""Simplest first."""


def choose_calibrator(
    p: Floats,
    label: Labels,
    user: NDArray[np.int64],
    *,
    rate: float,
    known: Calibrator = UNCALIBRATED,
    seed: int = 0,
) -> CalibrationChoice:
    """Choose among none, a shift alone, Platt, beta and isotonic by cross-fitted log-loss.

    A method replaces a simpler one only where its gain, judged on users that it was not fitted on, is
    larger than one standard error over users (the one-standard-error rule of Breiman et al., 1984). All of them are
    judged at validation's level, so that what decides is the shape. It is none where no shape helps, and the shift that
    is expected of the second fit is smaller than the standard error of a level that this many clicks tell.

    Parameters
    ----------
    p : ndarray of shape (n_rows,)
        Probabilities of the model on validation rows.
    label : ndarray of shape (n_rows,)
        1 where clicked.
    user : ndarray of shape (n_rows,)
        Whole users are left out, never single rows.
    rate : float
        Click rate of the rows that the model was fitted on.
    known : Calibrator
        What puts the model's level right, where it is known to be off: see `models.sampling`.
    seed : int
        Which user falls into which fold.
    """
    fold = _folds(user, seed)
    chosen, probabilities = METHODS[0], _cross_fit(METHODS[0], p, label, fold)
    for fit in METHODS[1:]:
        rival = _cross_fit(fit, p, label, fold)
        if _helps(row_log_loss(rival, label) - row_log_loss(probabilities, label), user):
            chosen, probabilities = fit, rival
    calibrator = known if chosen is fit_level else chosen(p, label)
    own = float(known.apply(p).mean())
    level = float(expit((1 - DRIFT_REPEATS) * _logits(own) + DRIFT_REPEATS * _logits(rate)))
    found = at_level(calibrator, p, level)
    return CalibrationChoice(UNCALIBRATED if _is_none(calibrator, found, label) else found, probabilities)


def _is_none(calibrator: Calibrator, found: Calibrator, label: Labels) -> bool:
    """Say whether all that was found is a shift of fewer logits than a standard error of the clicks' own level."""
    if not isinstance(calibrator, Uncalibrated) or not isinstance(found, Platt):
        return False
    clicks = int(label.sum())
    return abs(found.intercept) <= 1 / math.sqrt(max(clicks, 1))


def at_level(calibrator: Calibrator, p: Floats, mean: float) -> Calibrator:
    """Shift a calibrator so that what it makes of ``p`` has a mean."""
    shift = _shift_to(calibrator.apply(p), mean)
    match calibrator:
        case Platt():
            return replace(calibrator, intercept=calibrator.intercept + shift)
        case Beta():
            return replace(calibrator, c=calibrator.c + shift)
        case Isotonic():
            knots = expit(_logits(np.array(calibrator.calibrated)) + shift)
            return replace(calibrator, calibrated=tuple(knots.tolist()))
        case Uncalibrated():
            return Platt(1.0, shift)
    raise TypeError(f"expected a calibrator of this module, got {calibrator!r}")


def _shift_to(p: Floats, mean: float) -> float:
    """Give what has to be added to all logits for the probabilities to have a mean."""
    logits = _logits(p)
    mean = float(np.clip(mean, EDGE, 1 - EDGE))
    return float(brentq(lambda shift: float(expit(logits + shift).mean()) - mean, -WIDEST_SHIFT, WIDEST_SHIFT))


def _logits(p: Floats | float) -> Floats:
    return np.asarray(logit(np.clip(p, EDGE, 1 - EDGE)))


def _most_likely(columns: Sequence[Floats], label: Labels, start: Floats, bounds: Any = None) -> list[float]:
    """Give the weights of columns, and the intercept, that make the softened labels most likely."""
    target = _softened(label)

    def loss(weights: Floats) -> tuple[float, Floats]:
        z = sum((weight * column for weight, column in zip(weights, columns, strict=False)), start=weights[-1])
        error = expit(z) - target
        value = -np.mean(target * log_expit(z) + (1 - target) * log_expit(-z))
        return float(value), np.array([*(np.mean(error * column) for column in columns), np.mean(error)])

    # L-BFGS-B and not BFGS, which sets the process's warning filters: candidates are fitted in threads.
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000}
    )
    weights: list[float] = found.x.tolist()
    return weights


def _softened(label: Labels) -> Floats:
    """Soften labels as Platt (1999) does, so that a part without clicks still gives finite numbers."""
    clicks, others = label.sum(), len(label) - label.sum()
    return np.asarray(np.where(label == 1, (clicks + 1) / (clicks + 2), 1 / (others + 2)))


def _folds(user: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    users, position = np.unique(user, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(users)) % FOLDS)[position]


def _cross_fit(fit: Fit, p: Floats, label: Labels, fold: NDArray[np.int64]) -> Floats:
    calibrated = np.empty_like(p)
    for index in range(FOLDS):
        out = fold == index
        if out.any():
            calibrated[out] = fit(p[~out], label[~out]).apply(p[out])
    return calibrated


def _helps(excess: Floats, user: NDArray[np.int64]) -> bool:
    """Tell whether the summed excess is below zero by more than its standard error over users."""
    _, position = np.unique(user, return_inverse=True)
    of_user = np.bincount(position, weights=excess)
    return bool(of_user.sum() < -np.sqrt(np.square(of_user).sum()))
