"""The comparison as a Markdown table."""

from __future__ import annotations

from jobs.report.comparison_measures import ComparedEmbedding, Difference, EmbeddingComparison

COLUMNS = (
    "user part",
    "bytes",
    "FVU",
    "dead",
    "AUC",
    "log-loss",
    "log-loss against none, x 1e-5",
    "log-loss against SVD of as many bytes, x 1e-5",
    "AUC against none, x 1e-4",
    "AUC against that SVD, x 1e-4",
    "latents that another seed finds",
    "CKA of seeds",
    "encode, users/s",
    "train, s",
    "settings",
)


def markdown(comparison: EmbeddingComparison) -> str:
    """Write all that was compared, best first, under what it was compared on."""
    return "\n".join(
        [
            f"{comparison.users:,} users, {comparison.sends:,} hold-out sends of {', '.join(comparison.lakes)}; "
            f"{comparison.seeds} seed(s)",
            "",
            f"| {' | '.join(COLUMNS)} |",
            "|---" * len(COLUMNS) + "|",
            *(_line(one) for one in comparison.embeddings),
            *(f"\nNot measured: {one}" for one in comparison.not_measured),
        ]
    )


def _line(one: ComparedEmbedding) -> str:
    cells = [
        one.name,
        _shown(one.bytes_per_user, ".1f"),
        _shown(one.fvu, ".3f"),
        _shown(one.dead_share, ".1%"),
        _shown(one.auc, ".4f"),
        _shown(one.log_loss, ".5f"),
        _difference(one.against_none, 1e5),
        _difference(one.against_svd, 1e5),
        _difference(one.auc_against_none, 1e4),
        _difference(one.auc_against_svd, 1e4),
        _shown(one.matched_share, ".0%"),
        _shown(one.linear_cka, ".2f"),
        _shown(one.users_per_s, ",.0f"),
        _shown(one.train_s, ".1f"),
        one.settings or "-",
    ]
    return f"| {' | '.join(cells)} |"


def _difference(found: Difference | None, unit: float) -> str:
    if found is None:
        return "-"
    middle, low, high = (unit * value for value in (found.mean, found.low, found.high))
    return f"{middle:+.0f} ({low:+.0f} to {high:+.0f})"


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
