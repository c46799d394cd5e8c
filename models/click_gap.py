"""Click rates of groups of users, each against all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.evaluation import Interval
from models.serving.types import Floats


@dataclass(frozen=True)
class ClickGap:
    """A group of users against the others."""

    users: int
    sends: int
    click_rate: float
    """Clicks a send."""
    rest_click_rate: float
    """The same of all other users."""
    gap_ci: Interval
    """95 % interval of the difference; users are resampled."""


def click_gaps(
    members: sp.csr_matrix, clicks: NDArray[np.float64], sends: NDArray[np.int64], *, draws: int = 500, seed: int = 0
) -> list[ClickGap]:
    """Compare each group's click rate with that of all others.

    Parameters
    ----------
    members : csr_matrix of shape (n_users, n_groups)
        Whoever has an entry other than 0 is in the group; groups may overlap.
    clicks, sends : ndarray of shape (n_users,)
        What each user was sent and clicked.
    draws, seed : int
        Bootstrap samples, and what they are drawn with; the same users are drawn for all groups.

    Returns
    -------
    list of ClickGap
        One a group. A rate is NaN where a group, or the rest, was sent nothing.
    """
    inside = sp.csr_matrix(members.astype(bool).T, dtype=np.float64)
    rng, n_users = np.random.default_rng(seed), len(sends)
    drawn = (np.bincount(rng.integers(n_users, size=n_users), minlength=n_users) for _ in range(draws))
    rates = _rates(inside, clicks, sends)
    gaps = np.array([np.subtract(*_rates(inside, clicks * times, sends * times)) for times in drawn])
    return [
        ClickGap(int(users), int(its), float(rate), float(rest), _interval(of_draws))
        for users, its, rate, rest, of_draws in zip(
            inside @ np.ones(n_users), inside @ sends, *rates, gaps.T, strict=True
        )
    ]


def _interval(values: Floats) -> Interval:
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, [2.5, 97.5]) if known.size else (np.nan, np.nan)
    return Interval(float(low), float(high))


def _rates(inside: sp.csr_matrix, clicks: Floats, sends: NDArray[np.int64]) -> tuple[Floats, Floats]:
    own_clicks, own_sends = inside @ clicks, inside @ sends
    with np.errstate(invalid="ignore"):
        return own_clicks / own_sends, (clicks.sum() - own_clicks) / (sends.sum() - own_sends)
