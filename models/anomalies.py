"""Rows that an autoencoder rebuilds worse than others with as much behaviour.

A reconstruction error grows with how much there is to rebuild, so it is held against the errors of users who did about
as much: a robust z-score (Iglewicz and Hoaglin 1993), median and median absolute deviation in place of mean and
standard deviation, which the anomalies themselves would move.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.autoencoder.estimator import Autoencoder
from models.autoencoder.measures import CHUNK_ROWS
from models.serving.types import Floats

PEERS = 200
"""Users with about as much behaviour, whose errors a user's is held against."""
NORMAL = 1.4826
"""The standard deviation of a normal distribution over its median absolute deviation."""
LEAST_SPREAD = 0.1
"""A group's spread counts as at least so much of the median spread: equal users must not make everyone else strange."""


@dataclass(frozen=True)
class PeerScale:
    """What is usual, by the amount of behaviour; arrays of shape (n_groups,)."""

    events: Floats
    """Median number of events of each group, ascending."""
    median: Floats
    spread: Floats

    @classmethod
    def fit(cls, error: Floats, events: Floats, *, peers: int = PEERS) -> PeerScale:
        """Learn from users, in groups of at least ``peers`` as far as there are so many; none is cut between equals.

        Parameters
        ----------
        error, events : ndarray of shape (n_users,)
            At least one user.
        peers : int
            Size of the groups.
        """
        ranked = np.sort(events)
        n_groups = max(1, len(ranked) // peers)
        starts = np.unique(ranked[[len(ranked) * group // n_groups for group in range(n_groups)]])
        group = np.searchsorted(starts, events, side="right") - 1
        members = [np.flatnonzero(group == one) for one in range(len(starts))]
        middle = np.array([np.median(error[rows]) for rows in members])
        spread = NORMAL * np.array([np.median(np.abs(error[rows] - np.median(error[rows]))) for rows in members])
        least = LEAST_SPREAD * float(np.median(spread)) or float(np.finfo(np.float64).tiny)
        return cls(np.array([np.median(events[rows]) for rows in members]), middle, np.maximum(spread, least))

    def score(self, error: Floats, events: Floats) -> Floats:
        """Give robust z-scores, between two groups in proportion; beyond the last group, as in it."""
        middle = np.interp(events, self.events, self.median)
        return np.asarray((error - middle) / np.interp(events, self.events, self.spread))


def rebuild_errors(estimator: Autoencoder, counts: sp.csr_matrix) -> Floats:
    """Give the distance between each row and what its code stands for, in the scaled space; shape (n_users,)."""
    chunks = (counts[start : start + CHUNK_ROWS] for start in range(0, counts.shape[0], CHUNK_ROWS))
    return np.concatenate([np.zeros(0), *(np.sqrt(_squares(estimator, chunk).sum(axis=1)) for chunk in chunks)])


@dataclass(frozen=True)
class Surprise:
    """A token that sticks out of a row."""

    token: int
    """Input column."""
    count: int
    """How often the user did it."""
    expected: float
    """The count that the user's code stands for."""


def surprises(estimator: Autoencoder, row: sp.csr_matrix, *, most: int = 3) -> list[Surprise]:
    """Give the tokens that add most to a row's squared error, the largest first.

    Parameters
    ----------
    estimator : Autoencoder
        Fitted.
    row : csr_matrix of shape (1, n_tokens)
        Raw counts.
    most : int
        How many tokens.
    """
    squares = _squares(estimator, row)[0]
    expected = estimator.inverse_transform(estimator.transform(row))[0]
    counts = row.toarray()[0]
    order = np.argsort(-squares, kind="stable")[:most].tolist()
    return [Surprise(token, int(counts[token]), float(expected[token])) for token in order if squares[token] > 0]


def out_of_line(score: Floats, *, limit: float, most_share: float) -> NDArray[np.intp]:
    """Give the rows to flag, the highest score first, ties in their order.

    Parameters
    ----------
    score : ndarray of shape (n_rows,)
        NaN for a row that is not judged; it is never flagged.
    limit : float
        Lowest score to flag.
    most_share : float
        Share of the judged rows that may be flagged at most, rounded up.
    """
    most = math.ceil(most_share * int(np.isfinite(score).sum()))
    order = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")[:most]
    return order[score[order] >= limit]


def _squares(estimator: Autoencoder, counts: sp.csr_matrix) -> Floats:
    scaled = estimator.scaling_.apply(counts).toarray()
    return np.square(scaled - estimator.rebuild(estimator.transform(counts)), dtype=np.float64)
