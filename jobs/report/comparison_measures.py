"""What is reported of embeddings held against each other at equal bytes: a part of ``metrics.json``.

`make bench-embeddings` measures it and writes it as ``comparison.json``.
"""

from __future__ import annotations

from pydantic import FiniteFloat

from jobs.report.measures import Entry, Number


class Difference(Entry):
    """A paired difference, with its 95 % interval; users are resampled."""

    mean: FiniteFloat
    """Of the embedding, less that of what it is held against."""
    low: FiniteFloat
    """Lower bound."""
    high: FiniteFloat
    """Upper bound."""


class ComparedEmbedding(Entry):
    """One way to know a user, with the settings that did best on the lake that chooses."""

    name: str
    """What it is."""
    budget: int
    """Bytes a user that it may take; 0 for what is no embedding."""
    settings: str
    """What was chosen; empty where there was nothing to choose."""
    bytes_per_user: Number
    """Bytes a user that it takes; null for the true interests, which are no embedding."""
    fvu: Number
    """Share of the variance of held-out users that it leaves unexplained, in the scale that it was learned in."""
    dead_share: Number
    """Share of its latents that no user has; null for dense embeddings."""
    auc: FiniteFloat
    """Of clicks in the hold-out, by the same boosted trees on send, campaign and embedding."""
    log_loss: FiniteFloat
    """Of the same."""
    against_none: Difference | None
    """Of log-loss, to no embedding."""
    against_svd: Difference | None
    """Of log-loss, to TruncatedSVD of as many bytes."""
    auc_against_none: Difference | None
    """Of AUC, to no embedding."""
    auc_against_svd: Difference | None
    """Of AUC, to TruncatedSVD of as many bytes."""
    matched_share: Number
    """Share of latents that another seed finds too, with a cosine of at least 0.7; null without a second seed."""
    linear_cka: Number
    """How alike the codes of two seeds are, 0 to 1; null without a second seed."""
    users_per_s: Number
    """Users encoded in a second of one processor."""
    train_s: Number
    """Seconds of one processor that learning took."""


class EmbeddingComparison(Entry):
    """All that were held against each other."""

    ds: str
    """The day that the lakes were made for."""
    lakes: tuple[str, ...]
    """Whose hold-outs are reported; the settings were chosen on another one, if there are several."""
    users: int
    """Users that embeddings were learned from, of all lakes."""
    sends: int
    """Sends of the hold-outs."""
    seeds: int
    """Seeds that are averaged."""
    all_features: bool
    """Whether the product's own features of user and device were there beside the code."""
    embeddings: tuple[ComparedEmbedding, ...]
    """Best log-loss first; those that lose too."""
    not_measured: tuple[str, ...] = ()
    """What was left out of this run."""
