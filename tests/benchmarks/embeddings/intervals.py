"""Paired differences on hold-out rows, with their bootstrap intervals; users are resampled."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.report.comparison_measures import Difference

DRAWS, AUC_DRAWS = 1000, 200


@dataclass(frozen=True)
class HoldoutRows:
    """The rows that are reported on, of one lake after the other; arrays of shape (n_rows,)."""

    user: NDArray[np.int64]
    """A number for each user; those of two lakes are different ones."""
    label: NDArray[np.int64]
    lake: NDArray[np.int64]


def interval(
    losses: NDArray[np.float64], rival: NDArray[np.float64], user: NDArray[np.int64], *, seed: int = 0
) -> Difference:
    """Give the mean difference in log-loss and its 95 % bootstrap interval; users are resampled."""
    _, position = np.unique(user, return_inverse=True)
    excess, rows = np.bincount(position, losses - rival), np.bincount(position)
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(len(rows), size=len(rows)) for _ in range(DRAWS))
    means = [excess[sample].sum() / rows[sample].sum() for sample in drawn]
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(mean=float(excess.sum() / rows.sum()), low=float(low), high=float(high))


def auc_draws(losses: NDArray[np.float64], rows: HoldoutRows, *, seed: int = 0) -> NDArray[np.float64]:
    """Give the AUC, averaged over lakes, of all rows and then of each draw of users, shape (1 + AUC_DRAWS,).

    The same draws for all, so that differences are paired. A row's probability is the geometric mean over seeds, as its
    mean log-loss tells it.
    """
    p = np.where(rows.label == 1, np.exp(-losses), -np.expm1(-losses))
    orders = [np.flatnonzero(rows.lake == lake) for lake in np.unique(rows.lake)]
    orders = [order[np.argsort(p[order], kind="stable")] for order in orders]
    rng, n_users = np.random.default_rng(seed), int(rows.user.max()) + 1
    drawn = (np.bincount(rng.integers(n_users, size=n_users), minlength=n_users)[rows.user] for _ in range(AUC_DRAWS))
    weights = itertools.chain([np.ones(len(p), np.int64)], drawn)
    return np.array([np.mean([_auc(rows.label[order], one[order]) for order in orders]) for one in weights])


def auc_difference(draws: NDArray[np.float64], rival: NDArray[np.float64]) -> Difference:
    """Give the difference of two of `auc_draws` and its 95 % interval."""
    differences = draws - rival
    low, high = np.percentile(differences[1:], [2.5, 97.5])
    return Difference(mean=float(differences[0]), low=float(low), high=float(high))


def _auc(label: NDArray[np.int64], weight: NDArray[np.int64]) -> float:
    """Give the weighted AUC of labels in ascending order of probability; a tie counts in the order that it has."""
    negatives = np.cumsum(weight * (1 - label))
    positives = weight * label
    return float((positives * negatives).sum() / (positives.sum() * negatives[-1]))
