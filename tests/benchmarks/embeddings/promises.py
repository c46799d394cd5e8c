"""Which promises about embeddings a comparison keeps: python -m tests.benchmarks.embeddings.promises comparison.json

Promised: the default beats no embedding; its kind beats SVD of as many bytes in AUC at 16, 32 and 64 bytes, intervals
excluding zero; no more than 5 % of its latents are dead; and it closes half of the gap between the best SVD of any size
and the true interests. The last one means something only where the interests tell more than that SVD, which they do not
by themselves: they hold nothing of how much a user clicks. Measure it with --all-features.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from jobs.report.comparison_measures import ComparedEmbedding, Difference, EmbeddingComparison

DEFAULT, KIND, SVD, TRUTH = "TopK, the default", "denoising: TopK, masked", "TruncatedSVD, fp16", "the true interests"
SIZES, MOST_DEAD, HALF = (16, 32, 64), 0.05, 0.5


def promises(comparison: EmbeddingComparison) -> Iterator[str]:
    """Give a line for each promise that was measured."""
    found = {(one.name, one.budget): one for one in comparison.embeddings}
    default = next((one for one in comparison.embeddings if one.name == DEFAULT), None)
    if default and default.auc_against_none:
        yield _above("the default against no embedding", default.auc_against_none)
    if default and default.dead_share is not None:
        kept = default.dead_share <= MOST_DEAD
        yield f"dead latents of the default: {default.dead_share:.1%}, 5 % allowed: {_verdict(kept)}"
    for size in SIZES:
        for one in dict.fromkeys([found.get((KIND, size)), _best_variant(comparison, size)]):
            if one and one.auc_against_svd:
                yield _above(f"{size} bytes: {one.name} against SVD", one.auc_against_svd)
    yield from _gap(comparison, default)


def _best_variant(comparison: EmbeddingComparison, size: int) -> ComparedEmbedding | None:
    """Give the autoencoder of a size with the highest AUC: picked by what is measured, so a little flattered."""
    own = [one for one in comparison.embeddings if one.budget == size and one.dead_share is not None]
    return max(own, key=lambda one: one.auc, default=None)


def _gap(comparison: EmbeddingComparison, default: ComparedEmbedding | None) -> Iterator[str]:
    svds = [one.auc for one in comparison.embeddings if one.name == SVD]
    truth = next((one.auc for one in comparison.embeddings if one.name == TRUTH), None)
    if default is None or truth is None or not svds:
        return
    gap = truth - max(svds)
    if gap <= 0:
        yield f"the true interests have an AUC of {truth:.4f}, the best SVD {max(svds):.4f}: there is no gap to close"
        return
    closed = (default.auc - max(svds)) / gap
    told = f"of the gap from the best SVD to the true interests the default closes {closed:.0%}"
    yield f"{told}: {_verdict(closed >= HALF)}"


def _above(what: str, found: Difference) -> str:
    span = f"{1e4 * found.mean:+.0f} ({1e4 * found.low:+.0f} to {1e4 * found.high:+.0f})"
    return f"{what}: AUC x 1e-4 {span}: {_verdict(found.low > 0)}"


def _verdict(kept: bool) -> str:
    return "kept" if kept else "missed"


if __name__ == "__main__":
    print("\n".join(promises(EmbeddingComparison.model_validate_json(Path(sys.argv[1]).read_bytes()))))
