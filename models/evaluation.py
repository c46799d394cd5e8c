"""Quality of click probabilities: discrimination, log-loss, calibration, lift.

Uncertainty comes from resampling users, not rows: the sends of one user are not independent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.serving.types import Floats

Labels: TypeAlias = NDArray[np.int64]
Users: TypeAlias = NDArray[np.int64]

EDGE = 1e-15
BINS = 15
LIFT_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Interval(NamedTuple):
    """A 95 % bootstrap interval (percentiles)."""

    low: float
    high: float


def row_log_loss(p: Floats, label: Labels) -> Floats:
    """Give each row's log-loss in nats; probabilities are kept 1e-15 from 0 and 1."""
    p = np.clip(p, EDGE, 1 - EDGE)
    return np.asarray(-np.where(label == 1, np.log(p), np.log1p(-p)))


def log_loss(p: Floats, label: Labels) -> float:
    """Give the mean log-loss in nats."""
    return float(row_log_loss(p, label).mean())


def constant_log_loss(rate: float, label: Labels) -> float:
    """Give the log-loss of always saying ``rate``."""
    return log_loss(np.full(len(label), rate), label)


def auc(p: Floats, label: Labels) -> float:
    """Give the area under the ROC curve, ties counted half; NaN where only one class is there."""
    return _weighted_auc(_Ranked(p, label), np.ones(len(p)))


def auc_interval(p: Floats, label: Labels, user: Users, *, draws: int = 200, seed: int = 0) -> Interval:
    """Give the AUC's bootstrap interval over users."""
    ranked = _Ranked(p, label)
    users, position = np.unique(user, return_inverse=True)
    samples = (np.bincount(drawn, minlength=len(users)) for drawn in _draws(len(users), draws, seed))
    return _percentiles(np.array([_weighted_auc(ranked, times[position]) for times in samples]))


def excess_upper(p: Floats, best: Floats, label: Labels, user: Users, *, draws: int = 1000, seed: int = 0) -> float:
    """Give the upper 95 % bound of the paired log-loss excess of ``p`` over ``best``.

    Parameters
    ----------
    p, best : ndarray of shape (n_rows,)
        Probabilities of two candidates for the same rows.
    label, user : ndarray of shape (n_rows,)
        Clicked or not, and whose row it is; users are resampled.
    draws, seed : int
        Bootstrap samples, and what they are drawn with.

    Returns
    -------
    float
        The 95th percentile of the mean difference (one-sided), in nats a row.
    """
    return float(np.percentile(_excess_means(p, best, label, user, draws, seed), 95))


def excess_interval(
    p: Floats, other: Floats, label: Labels, user: Users, *, draws: int = 1000, seed: int = 0
) -> Interval:
    """Give the two-sided interval of the same mean difference, paired by rows; see `excess_upper`."""
    return _percentiles(_excess_means(p, other, label, user, draws, seed))


def auc_gain_interval(
    p: Floats, other: Floats, label: Labels, user: Users, *, draws: int = 200, seed: int = 0
) -> Interval:
    """Give the bootstrap interval over users of the AUC of ``p`` minus that of ``other``, for the same rows."""
    ranked, rival = _Ranked(p, label), _Ranked(other, label)
    users, position = np.unique(user, return_inverse=True)
    samples = (np.bincount(drawn, minlength=len(users))[position] for drawn in _draws(len(users), draws, seed))
    return _percentiles(np.array([_weighted_auc(ranked, w) - _weighted_auc(rival, w) for w in samples]))


def calibration_bins(p: Floats, label: Labels, *, bins: int = BINS) -> list[dict[str, float]]:
    """Give mean probability, click rate and rows of equal-mass bins, lowest probabilities first.

    Rows with the same probability stay together, in the bin of their middle rank, so that the order of rows
    does not matter; without ties the bins differ by at most one row. Empty bins are left out.
    """
    bin_of = _equal_mass_bins(p, bins)
    n = np.bincount(bin_of, minlength=bins)
    held = n > 0
    mean_p = np.bincount(bin_of, weights=p, minlength=bins)[held] / n[held]
    mean_y = np.bincount(bin_of, weights=label, minlength=bins)[held] / n[held]
    columns = zip(mean_p.tolist(), mean_y.tolist(), n[held].tolist(), strict=True)
    return [{"p_mean": p_mean, "y_mean": y_mean, "n": rows} for p_mean, y_mean, rows in columns]


def ece(p: Floats, label: Labels, *, bins: int = BINS) -> float:
    """Give the expected calibration error: mean |mean(p) - mean(y)| of equal-mass bins, weighted by rows."""
    table = calibration_bins(p, label, bins=bins)
    return sum(row["n"] * abs(row["p_mean"] - row["y_mean"]) for row in table) / len(p)


def lift(p: Floats, label: Labels, user: Users) -> list[dict[str, float]]:
    """Tell what share of the clicks the top users hold, users ranked by the mean of their probabilities.

    Users with the same mean share their clicks equally. Guessing would give each share of users as many
    clicks.
    """
    users, position = np.unique(user, return_inverse=True)
    clicks = np.bincount(position, weights=label)
    mean_p = np.bincount(position, weights=p) / np.bincount(position)
    levels, level = np.unique(-mean_p, return_inverse=True)
    share_of_users = np.concatenate([[0.0], np.cumsum(np.bincount(level, minlength=len(levels))) / len(users)])
    held = np.cumsum(np.bincount(level, weights=clicks)) / max(clicks.sum(), 1)
    at = np.interp(LIFT_SHARES, share_of_users, np.concatenate([[0.0], held]))
    return [
        {"share_of_users": share, "share_of_clicks": float(clicks)}
        for share, clicks in zip(LIFT_SHARES, at, strict=True)
    ]


def calibration_by(key: str, p: Floats, label: Labels, name: NDArray[Any]) -> list[dict[str, Any]]:
    """Give calibration on each slice of the rows, by name.

    Parameters
    ----------
    key : str
        What the slices are: under it each entry has its name.
    p, label, name : ndarray of shape (n_rows,)
        Probabilities, clicked or not, and which slice a row is of; null is named ``unknown``.

    Returns
    -------
    list of dict
        ``n``, ``mean_y``, ``ece`` and ``mean_p_over_mean_y`` (None without clicks) of each slice.
    """
    names = np.array(["unknown" if one is None else str(one) for one in name])
    slices = ((str(one), names == one) for one in np.unique(names))
    return [{key: one, **_slice_calibration(p[rows], label[rows])} for one, rows in slices]


def _slice_calibration(p: Floats, label: Labels) -> dict[str, Any]:
    rate = float(label.mean())
    ratio = float(p.mean()) / rate if rate else None
    return {"n": len(p), "mean_y": rate, "ece": ece(p, label), "mean_p_over_mean_y": ratio}


class _Ranked:
    """Rows sorted by probability, and where each run of equal probabilities begins."""

    def __init__(self, p: Floats, label: Labels) -> None:
        self.order = np.argsort(p, kind="stable")
        sorted_p = p[self.order]
        self.starts = np.flatnonzero(np.concatenate([[True], sorted_p[1:] != sorted_p[:-1]]))
        self.clicked = label[self.order] == 1


def _weighted_auc(ranked: _Ranked, weight: NDArray[Any]) -> float:
    weight = weight[ranked.order]
    clicked = np.add.reduceat(np.where(ranked.clicked, weight, 0.0), ranked.starts)
    others = np.add.reduceat(np.where(ranked.clicked, 0.0, weight), ranked.starts)
    below = np.cumsum(others) - others
    pairs = clicked.sum() * others.sum()
    return float((clicked * (below + others / 2)).sum() / pairs) if pairs else float("nan")


def _excess_means(p: Floats, other: Floats, label: Labels, user: Users, draws: int, seed: int) -> Floats:
    """Mean log-loss excess of ``p`` over ``other`` in each bootstrap sample of users."""
    _, position = np.unique(user, return_inverse=True)
    excess = np.bincount(position, weights=row_log_loss(p, label) - row_log_loss(other, label))
    rows = np.bincount(position)
    return np.array([excess[drawn].sum() / rows[drawn].sum() for drawn in _draws(len(rows), draws, seed)])


def _draws(users: int, draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield bootstrap samples of user positions, drawn with replacement."""
    rng = np.random.default_rng(seed)
    return (rng.integers(users, size=users) for _ in range(draws))


def _percentiles(values: Floats) -> Interval:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))


def _equal_mass_bins(p: Floats, bins: int) -> NDArray[np.int64]:
    _, level, n = np.unique(p, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(n) - n + (n - 1) / 2
    return np.asarray(middle_rank * bins // len(p), dtype=np.int64)[level]
