"""From finished measurements to the figures of each embedding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.report.comparison_measures import ComparedEmbedding
from tests.benchmarks.embeddings.intervals import HoldoutRows, auc_difference, auc_draws, interval
from tests.benchmarks.embeddings.stability import Agreement


@dataclass(frozen=True)
class Entry:
    """One method at one size: results of its chosen settings, one a seed and lake, and the mean loss of every row."""

    results: list[dict[str, Any]]
    losses: NDArray[np.float64]
    agreement: Agreement | None = None
    """Of its seeds, averaged over lakes; null where there is one seed."""

    @property
    def budget(self) -> int:
        """Bytes a user that it may take."""
        return int(self.results[0]["budget"])

    def mean(self, name: str) -> float | None:
        """Average a column over seeds and lakes; None where it means nothing."""
        values = [one.get(name) for one in self.results]
        return None if None in values else float(np.mean(values))


def figures_of(
    entries: list[Entry], none: Entry | None, svds: Mapping[int, Entry], rows: HoldoutRows
) -> tuple[ComparedEmbedding, ...]:
    """Give the figures of all entries in the order of their hold-out log-loss, best first; losers too.

    Parameters
    ----------
    none : Entry or None
        That without any code.
    svds : mapping
        TruncatedSVD at each number of bytes.
    """
    draws = {id(entry): auc_draws(entry.losses, rows) for entry in entries}

    def figures(entry: Entry) -> ComparedEmbedding:
        rivals = {"none": none, "svd": svds.get(entry.budget)}
        held = {name: rival for name, rival in rivals.items() if rival is not None and rival is not entry}
        against: dict[str, Any] = dict.fromkeys(f"{what}against_{name}" for what in ("", "auc_") for name in rivals)
        for name, rival in held.items():
            against[f"against_{name}"] = interval(entry.losses, rival.losses, rows.user)
            against[f"auc_against_{name}"] = auc_difference(draws[id(entry)], draws[id(rival)])
        one = entry.results[0]
        return ComparedEmbedding(
            name=one["method"],
            budget=entry.budget,
            settings=", ".join(f"{name}={value}" for name, value in one["settings"].items()),
            bytes_per_user=entry.mean("bytes"),
            fvu=entry.mean("fvu"),
            dead_share=entry.mean("dead_fraction"),
            auc=entry.mean("holdout_auc"),
            log_loss=entry.mean("holdout_log_loss"),
            matched_share=entry.agreement.matched_share if entry.agreement else None,
            linear_cka=entry.agreement.linear_cka if entry.agreement else None,
            users_per_s=entry.mean("users_per_s"),
            train_s=entry.mean("train_s"),
            **against,
        )

    return tuple(sorted((figures(entry) for entry in entries), key=lambda one: one.log_loss))
