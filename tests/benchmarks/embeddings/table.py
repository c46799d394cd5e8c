"""The comparison as a Markdown table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000

COLUMNS = (
    "user part",
    "bytes",
    "FVU",
    "AUC",
    "log-loss",
    "against none, x 1e-5",
    "against SVD, x 1e-5",
    "encode, users/s",
    "train, s",
    "settings",
)


@dataclass(frozen=True)
class Entry:
    """One method at one size: the results of its chosen settings, one a seed, and its mean loss of every row."""

    results: list[dict[str, Any]]
    losses: NDArray[np.float64]

    def mean(self, name: str) -> float | None:
        """Average a column over the seeds; None where it means nothing."""
        values = [one.get(name) for one in self.results]
        return None if None in values else float(np.mean(values))


def markdown(entries: list[Entry], none: Entry, svd: Entry | None, user: NDArray[np.int64]) -> str:
    """Write all entries in the order of their hold-out log-loss, best first; losers too."""
    ordered = sorted(entries, key=lambda entry: entry.mean("holdout_log_loss"))
    head = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    return "\n".join([*head, *(_line(entry, none, svd, user) for entry in ordered)])


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


def _line(entry: Entry, none: Entry, svd: Entry | None, user: NDArray[np.int64]) -> str:
    one = entry.results[0]
    settings = ", ".join(f"{name}={value}" for name, value in one["settings"].items())
    cells = [
        one["method"],
        _shown(entry.mean("bytes"), ".1f"),
        _shown(entry.mean("fvu"), ".3f"),
        _shown(entry.mean("holdout_auc"), ".4f"),
        _shown(entry.mean("holdout_log_loss"), ".5f"),
        _difference(entry, none, user),
        _difference(entry, svd, user) if svd else "-",
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


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
