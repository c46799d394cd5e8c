"""The comparison as a Markdown table."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS, AUC_DRAWS = 1000, 200

COLUMNS = (
    "user part",
    "bytes",
    "FVU",
    "dead",
    "AUC",
    "log-loss",
    "against none, x 1e-5",
    "against SVD of as many bytes, x 1e-5",
    "AUC against that SVD, x 1e-4",
    "encode, users/s",
    "train, s",
    "settings",
)


@dataclass(frozen=True)
class HoldoutRows:
    """The rows that are reported on, of one lake after the other; arrays of shape (n_rows,)."""

    user: NDArray[np.int64]
    """A number for each user; those of two lakes are different ones."""
    label: NDArray[np.int64]
    lake: NDArray[np.int64]


@dataclass(frozen=True)
class Entry:
    """One method at one size: the results of its chosen settings, one a seed, and its mean loss of every row."""

    results: list[dict[str, Any]]
    losses: NDArray[np.float64]

    def mean(self, name: str) -> float | None:
        """Average a column over the seeds; None where it means nothing."""
        values = [one.get(name) for one in self.results]
        return None if None in values else float(np.mean(values))


def markdown(entries: list[Entry], none: Entry, svds: Mapping[int, Entry], rows: HoldoutRows) -> str:
    """Write all entries in the order of their hold-out log-loss, best first; losers too."""
    ordered = sorted(entries, key=lambda entry: entry.mean("holdout_log_loss"))
    head = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    svd_aucs = {size: auc_draws(svd.losses, rows) for size, svd in svds.items()}
    lines = (
        _line(entry, none, svds.get(size), svd_aucs.get(size), rows)
        for entry in ordered
        for size in [entry.results[0]["budget"]]
    )
    return "\n".join([*head, *lines])


def interval(
    losses: NDArray[np.float64], rival: NDArray[np.float64], user: NDArray[np.int64], *, seed: int = 0
) -> tuple[float, float, float]:
    """Give the mean difference in log-loss and its 95 % bootstrap interval; users are resampled."""
    _, position = np.unique(user, return_inverse=True)
    excess, rows = np.bincount(position, losses - rival), np.bincount(position)
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(len(rows), size=len(rows)) for _ in range(DRAWS))
    means = [excess[sample].sum() / rows[sample].sum() for sample in drawn]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(excess.sum() / rows.sum()), float(low), float(high)


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


def _auc(label: NDArray[np.int64], weight: NDArray[np.int64]) -> float:
    """Give the weighted AUC of labels in ascending order of probability; a tie counts in the order that it has."""
    negatives = np.cumsum(weight * (1 - label))
    positives = weight * label
    return float((positives * negatives).sum() / (positives.sum() * negatives[-1]))


def _line(entry: Entry, none: Entry, svd: Entry | None, svd_auc: NDArray[np.float64] | None, rows: HoldoutRows) -> str:
    one = entry.results[0]
    settings = ", ".join(f"{name}={value}" for name, value in one["settings"].items())
    cells = [
        one["method"],
        _shown(entry.mean("bytes"), ".1f"),
        _shown(entry.mean("fvu"), ".3f"),
        _shown(entry.mean("dead_fraction"), ".1%"),
        _shown(entry.mean("holdout_auc"), ".4f"),
        _shown(entry.mean("holdout_log_loss"), ".5f"),
        _difference(entry, none, rows.user),
        _difference(entry, svd, rows.user) if svd else "-",
        "-" if svd_auc is None or entry is svd else _auc_difference(auc_draws(entry.losses, rows) - svd_auc),
        _shown(entry.mean("users_per_s"), ",.0f"),
        _shown(entry.mean("train_s"), ".1f"),
        settings or "-",
    ]
    return f"| {' | '.join(cells)} |"


def _difference(entry: Entry, rival: Entry, user: NDArray[np.int64]) -> str:
    if entry is rival:
        return "-"
    middle, low, high = (1e5 * value for value in interval(entry.losses, rival.losses, user))
    return f"{middle:+.0f} ({low:+.0f} to {high:+.0f})"


def _auc_difference(draws: NDArray[np.float64]) -> str:
    low, high = np.percentile(draws[1:], [2.5, 97.5])
    return f"{1e4 * draws[0]:+.0f} ({1e4 * low:+.0f} to {1e4 * high:+.0f})"


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
