"""Embeddings held against each other at equal bytes: what the table says in words."""

from __future__ import annotations

from jobs.report import numbers
from jobs.report.comparison_measures import ComparedEmbedding, EmbeddingComparison


def sentence(comparison: EmbeddingComparison | None) -> str | None:
    """Say for each size which embedding tells clicks best, and whether it is sure to beat SVD; null without any."""
    if comparison is None:
        return None
    by_size: dict[int, ComparedEmbedding] = {}
    for one in comparison.embeddings:
        best = by_size.get(one.budget)
        if one.budget and (best is None or one.auc > best.auc):
            by_size[one.budget] = one
    return " ".join(_best(size, by_size[size]) for size in sorted(by_size)) or None


def _best(size: int, one: ComparedEmbedding) -> str:
    said = f"At {size} bytes a user, {one.name} has the highest AUC, {numbers.fixed(one.auc)}"
    if one.auc_against_svd is None:
        return f"{said}."
    span = numbers.interval((one.auc_against_svd.low, one.auc_against_svd.high), 4)
    sure = "" if one.auc_against_svd.low > 0 else ", which may be chance"
    return f"{said}: {numbers.fixed(one.auc_against_svd.mean)} above SVD ({span}){sure}."
