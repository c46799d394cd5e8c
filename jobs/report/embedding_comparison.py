"""Embeddings held against each other at equal bytes: what the table says in words."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.report import numbers
from jobs.report.comparison_measures import ComparedEmbedding, EmbeddingComparison

DEFAULT, SVD, TRUTH = "the default", "TruncatedSVD, fp16", "the true interests"
"""Names of embeddings that more is said of."""


def sentence(comparison: EmbeddingComparison | None) -> str | None:
    """Say for each size which embedding tells clicks best, and whether it is sure to beat SVD; null without any.

    And what share of what SVD leaves to be known the default tells.
    """
    if comparison is None:
        return None
    by_size: dict[int, ComparedEmbedding] = {}
    for one in comparison.embeddings:
        best = by_size.get(one.budget)
        if one.budget and (best is None or one.auc > best.auc):
            by_size[one.budget] = one
    gap = gap_of(comparison)
    told = [_best(size, by_size[size]) for size in sorted(by_size)] + ([gap.sentence] if gap else [])
    return " ".join(told) or None


@dataclass(frozen=True)
class Gap:
    """AUCs between which the default is to be, above the middle."""

    svd: float
    """Of the best SVD of any size."""
    truth: float
    """Of the true interests."""
    default: float

    @property
    def closed(self) -> float | None:
        """Share of the gap that the default closes; null where the true interests tell no more than SVD."""
        return (self.default - self.svd) / (self.truth - self.svd) if self.truth > self.svd else None

    @property
    def sentence(self) -> str:
        """Say the share."""
        ends = f"from the best SVD ({numbers.fixed(self.svd)}) to the true interests ({numbers.fixed(self.truth)})"
        if self.closed is None:
            return f"There is no gap {ends}."
        return f"Of the gap {ends} the default ({numbers.fixed(self.default)}) closes {self.closed:.0%}."


def gap_of(comparison: EmbeddingComparison) -> Gap | None:
    """Find the gap; null where one of the three was not measured."""
    best: dict[str, float] = {}
    for one in comparison.embeddings:
        best[one.name] = max(one.auc, best.get(one.name, 0.0))
    return Gap(best[SVD], best[TRUTH], best[DEFAULT]) if {SVD, TRUTH, DEFAULT} <= {*best} else None


def _best(size: int, one: ComparedEmbedding) -> str:
    said = f"At {size} bytes a user, {one.name} has the highest AUC, {numbers.fixed(one.auc)}"
    if one.auc_against_svd is None:
        return f"{said}."
    span = numbers.interval((one.auc_against_svd.low, one.auc_against_svd.high), 4)
    sure = "" if one.auc_against_svd.low > 0 else ", which may be chance"
    return f"{said}: {numbers.fixed(one.auc_against_svd.mean)} above SVD ({span}){sure}."
