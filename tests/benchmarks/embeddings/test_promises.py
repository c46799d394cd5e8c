"""What a comparison says of the promises, losing cases too."""

from __future__ import annotations

from typing import Any

from jobs.report.comparison_measures import ComparedEmbedding, EmbeddingComparison
from jobs.report.embedding_comparison import DEFAULT, SVD, TRUTH
from tests.benchmarks.embeddings.grid import KIND
from tests.benchmarks.embeddings.promises import promises


def embedding(name: str, budget: int, auc: float, above_svd: float | None = None, **figures: Any) -> ComparedEmbedding:
    above = None if above_svd is None else {"mean": above_svd, "low": above_svd - 0.001, "high": above_svd + 0.001}
    absent = dict.fromkeys(ComparedEmbedding.model_fields)
    given = {"name": name, "budget": budget, "auc": auc, "log_loss": 0.2, "settings": "", "auc_against_svd": above}
    return ComparedEmbedding.model_validate({**absent, **given, **figures})


def comparison(*embeddings: ComparedEmbedding) -> EmbeddingComparison:
    return EmbeddingComparison(
        ds="2026-02-11", lakes=("one",), users=9, sends=9, seeds=1, all_features=False, embeddings=embeddings
    )


def test_each_promise_is_kept_or_missed() -> None:
    above_none = {"mean": 0.08, "low": 0.07, "high": 0.09}
    said = list(
        promises(
            comparison(
                embedding(DEFAULT, 16, 0.705, 0.014, dead_share=0.06, auc_against_none=above_none),
                embedding(KIND, 32, 0.690, 0.0005, dead_share=0.0),
                embedding("L1", 32, 0.700, 0.0105, dead_share=0.0),
                embedding(SVD, 16, 0.690),
                embedding(TRUTH, 0, 0.730),
            )
        )
    )
    assert said == [
        "the default against no embedding: AUC x 1e-4 +800 (+700 to +900): kept",
        "dead latents of the default: 6.0%, 5 % allowed: missed",
        "16 bytes: the default against SVD: AUC x 1e-4 +140 (+130 to +150): kept",
        "32 bytes: the default's kind against SVD: AUC x 1e-4 +5 (-5 to +15): missed",
        "32 bytes: L1 against SVD: AUC x 1e-4 +105 (+95 to +115): kept",
        "Of the gap from the best SVD (0.6900) to the true interests (0.7300) the default (0.7050) closes 38%: missed",
    ]


def test_interests_that_tell_less_leave_no_gap() -> None:
    said = list(promises(comparison(embedding(DEFAULT, 16, 0.7), embedding(SVD, 16, 0.69), embedding(TRUTH, 0, 0.64))))
    gap = "There is no gap from the best SVD (0.6900) to the true interests (0.6400)"
    assert said == [f"{gap}: nothing to close"]
