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
from jobs.report.embedding_comparison import DEFAULT, gap_of
from tests.benchmarks.embeddings.grid import KIND

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
        own = [found.get((name, size)) for name in (DEFAULT, KIND)]
        for one in dict.fromkeys([*own, _best_variant(comparison, size)]):
            if one and one.auc_against_svd:
                yield _above(f"{size} bytes: {one.name} against SVD", one.auc_against_svd)
    if gap := gap_of(comparison):
        yield f"{gap.sentence[:-1]}: {'nothing to close' if gap.closed is None else _verdict(gap.closed >= HALF)}"


def _best_variant(comparison: EmbeddingComparison, size: int) -> ComparedEmbedding | None:
    """Give the autoencoder of a size with the highest AUC: picked by what is measured, so a little flattered."""
    own = [one for one in comparison.embeddings if one.budget == size and one.dead_share is not None]
    return max(own, key=lambda one: one.auc, default=None)


def _above(what: str, found: Difference) -> str:
    span = f"{1e4 * found.mean:+.0f} ({1e4 * found.low:+.0f} to {1e4 * found.high:+.0f})"
    return f"{what}: AUC x 1e-4 {span}: {_verdict(found.low > 0)}"


def _verdict(kept: bool) -> str:
    return "kept" if kept else "missed"


if __name__ == "__main__":
    print("\n".join(promises(EmbeddingComparison.model_validate_json(Path(sys.argv[1]).read_bytes()))))
