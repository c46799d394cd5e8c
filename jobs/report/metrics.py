"""``metrics.json``: the figures of one run, with fixed keys. Everything the page shows is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pydantic import Field, field_validator

from jobs.report.anomaly_measures import Anomalies
from jobs.report.comparison_measures import EmbeddingComparison
from jobs.report.embedding_measures import EmbeddingMap
from jobs.report.lookalike_measures import Lookalikes
from jobs.report.measures import Candidate, Entry, Number


class Rows(Entry):
    """Labelled sends by part."""

    train: int
    """Rows that the models learned from."""
    holdout: int
    """Rows of the last days, which were only ever measured."""


class Embedding(Entry):
    """The user embedding whose codes the candidates could use."""

    version: str
    """Hash of the learned files."""
    bytes_per_user: Number
    """Bytes of one user's sparse code."""
    fvu: Number
    """Fraction of variance unexplained on held-out users; 0 is a perfect reconstruction."""
    l0: Number
    """Mean number of active latents of a user."""
    dead_fraction: Number
    """Share of latents that never fire, 0 to 1."""


class Gate(Entry):
    """One rule applied to one model."""

    rule: str
    """Name of the rule in the gates file."""
    candidate: str
    """The candidate it was applied to."""
    value: Number
    """What was measured; null when it could not be, or when the rule is not applicable."""
    limit: Number
    """What the gates file allows, itself included."""
    passed: bool
    """Whether the rule lets the model through."""
    note: str = ""
    """Why a value is missing, which slice it is about, or why the rule was not applied."""

    @property
    def applied(self) -> bool:
        """Tell whether the rule could have refused the model."""
        return not (self.passed and ("not applicable" in self.note or "not gated" in self.note))


class Choice(Entry):
    """How one candidate was picked on the validation part."""

    rule: str
    """The rule in words."""
    tolerance: Number
    """Largest allowed upper bound of the paired log-loss excess."""
    best: str | None
    """Candidate with the lowest validation log-loss."""
    eligible: tuple[str, ...]
    """Candidates within the tolerance."""
    chosen: str | None
    """The eligible one with the fewest serving bytes."""
    reasons: dict[str, str] = Field(default_factory=dict)
    """One sentence for each candidate."""


class Simulator(Entry):
    """What only a simulated log can tell."""

    true_auc: Number
    """AUC of the true click probability: no model can be expected to do better."""
    n: int | None = None
    """Sends it was computed on."""


class Ingested(Entry):
    """Counts of one raw table; ``read`` is the sum of the others."""

    table: str
    """Contract table."""
    read: int
    """Rows in the source."""
    accepted: int
    """Rows that entered the lake."""
    quarantined: int
    """Rows set aside with a reason."""
    duplicates: int
    """Rows that were known already."""
    not_yet_known: int
    """Rows whose time of arrival is after the day."""
    forgotten: int = 0
    """Rows of users who asked to be forgotten, dropped."""

    @property
    def adds_up(self) -> bool:
        """Tell whether every row that was read is accounted for."""
        outcomes = (self.accepted, self.quarantined, self.duplicates, self.not_yet_known, self.forgotten)
        return self.read == sum(outcomes)


class Part(Entry):
    """Rows of one part of the training set."""

    rows: int
    """Sends."""
    clicks: int
    """Sends that were clicked."""
    first_as_of: date
    """First day that its features are as of."""
    last_as_of: date
    """Last such day."""


class Audience(Entry):
    """Who was scored for the campaigns to come."""

    scored: int
    """Pairs of a user and a campaign with a score."""
    users: int | None = None
    """Users who may be sent to."""
    campaigns: int | None = None
    """Campaigns."""
    left_out: dict[str, int] = Field(default_factory=dict)
    """Users who may not be sent to, by reason."""


class Campaign(Entry):
    """Scores of one campaign."""

    campaign_id: str
    """The campaign."""
    scored: int
    """Users with a score, or the best of them where only those were kept."""
    mean_p_click: Number
    """Their mean click probability."""
    max_p_click: Number
    """The highest one."""


class LearningPoint(Entry):
    """A candidate that learned from some of the users, on the hold-out."""

    share: float
    """Share of the users, 0 to 1."""
    rows: int
    """Sends that it learned from."""
    clicks: int
    """How many of them were clicked."""
    auc: Number
    """Area under the ROC curve."""
    auc_ci: tuple[Number, Number] | None
    """95 % bootstrap interval of ``auc``."""
    log_loss: Number
    """Mean negative log-likelihood, natural logarithm."""


class LearningCurve(Entry):
    """How quality grows with data."""

    candidate: str
    """What was fitted."""
    points: tuple[LearningPoint, ...]
    """Smallest share first."""


class BlockWeight(Entry):
    """What a block of features adds to all the others, on the hold-out."""

    block: str
    """Name of the block."""
    columns: int
    """Features that were left out."""
    log_loss_gain: Number
    """Log-loss without the block minus with it; positive when the block helps."""
    log_loss_gain_ci: tuple[Number, Number]
    """Its 95 % interval."""
    auc_gain: Number
    """AUC with the block minus without it."""
    auc_gain_ci: tuple[Number, Number]
    """Its 95 % interval."""


class BlockWeights(Entry):
    """Every block, left out in turn."""

    candidate: str
    """What was fitted."""
    blocks: tuple[BlockWeight, ...]
    """In the order of the catalogue."""


class Shape(Entry):
    """What the values of a feature look like in some rows."""

    rows: int
    """Rows."""
    nulls: float
    """Share of them without a value."""
    mean: Number
    """Of the others; null for a category."""
    quantiles: tuple[float, ...] | None
    """1, 5, 25, 50, 75, 95 and 99 %; null for a category."""


class FeatureHealth(Shape):
    """A feature in the hold-out, beside the rows that models learned from."""

    name: str
    """The feature."""
    trained: Shape
    """The same of the rows learned from."""
    psi: Number
    """Population stability index: 0 where nothing moved, above 0.25 where much did."""
    scored: Shape | None = None
    """The same of some of the rows to be scored; null where nobody was."""
    scored_psi: Number = None
    """The index of these rows."""


class Metrics(Entry):
    """The whole file. Keys before ``constant_log_loss`` are always given, the others if their source is."""

    ds: date
    """The day processed."""
    rows: Rows
    """Labelled sends by part."""
    base_rate: Number
    """Click rate of the hold-out."""
    feature_schema_hash: str
    """Hash of the feature names, types and kinds."""
    embedding: Embedding | None
    """Null when no embedding was trained."""
    candidates: tuple[Candidate, ...]
    """Every model that was trained, measured on the hold-out."""
    gates: tuple[Gate, ...]
    """Every rule that was applied."""
    chosen: str | None
    """Name of the candidate that was picked."""
    champion: str | None
    """Version behind the alias after the run; null when nothing was ever published."""
    published: bool
    """True when the chosen candidate became the champion."""
    constant_log_loss: Number = None
    """Log-loss of always predicting the base rate."""
    reasons: tuple[str, ...] = ()
    """What the publishing step said about the choice and about a refusal."""
    choice: Choice | None = None
    """How the choice was made."""
    pareto: tuple[str, ...] = ()
    """Candidates that no other one beats at once in log-loss, serving bytes and p99 latency, on the hold-out."""
    champion_before: Candidate | None = None
    """The champion of before, measured afresh on the same rows."""
    champion_before_error: str | None = None
    """Why the champion of before could not be measured."""
    simulator: Simulator | None = None
    """Only for simulated logs."""
    parts: dict[str, Part] = Field(default_factory=dict)
    """``train``, ``validation`` and ``holdout``."""
    bots: dict[str, int] = Field(default_factory=dict)
    """Sends that are in no part, because their user was known for a bot by then, by rule."""
    ingest: tuple[Ingested, ...] = ()
    """Counts of each raw table, over all days up to ``ds``."""
    audience: Audience | None = None
    """Who was scored."""
    campaigns: tuple[Campaign, ...] = ()
    """The likeliest to be clicked first."""
    learning_curve: LearningCurve | None = None
    """Only where one was drawn."""
    block_weights: BlockWeights | None = None
    """Only where they were weighed."""
    embedding_map: EmbeddingMap | None = None
    """Only where one was drawn."""
    embedding_comparison: EmbeddingComparison | None = None
    """Only where one was handed in."""
    anomalies: Anomalies | None = None
    """Only where they were flagged."""
    lookalikes: Lookalikes | None = None
    """Only where they were looked for."""
    features: tuple[FeatureHealth, ...] = ()
    """Health of each feature, the one that moved furthest first."""
    machine: dict[str, Any] = Field(default_factory=dict)
    """What the times were measured on."""

    @field_validator("champion", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value

    def candidate(self, name: str | None) -> Candidate | None:
        """Find a candidate by name."""
        return next((one for one in self.candidates if one.name == name), None)


def assemble(
    measured: Mapping[str, Any],
    decision: Mapping[str, Any],
    *,
    training_set: Mapping[str, Any] | None = None,
    ingest: Iterable[Mapping[str, Any]] = (),
    audience: Mapping[str, Any] | None = None,
    campaigns: Iterable[Mapping[str, Any]] = (),
    simulator: Mapping[str, Any] | None = None,
    learning_curve: Mapping[str, Any] | None = None,
    block_weights: Mapping[str, Any] | None = None,
    embedding_map: Mapping[str, Any] | None = None,
    embedding_comparison: EmbeddingComparison | None = None,
    anomalies: Mapping[str, Any] | None = None,
    lookalikes: Mapping[str, Any] | None = None,
    features: Iterable[Mapping[str, Any]] = (),
) -> Metrics:
    """Put the figures of one run together.

    Parameters
    ----------
    measured : mapping
        ``measures.json`` of the measured candidates.
    decision : mapping
        What the publishing step decided: ``gates``, ``chosen``, ``published``, ``champion``, ``reasons``.
    training_set : mapping, optional
        ``training_set_meta``; its ``parts`` and ``bots`` are shown.
    ingest, audience, campaigns, simulator, learning_curve, block_weights, features : optional
        See ``Ingested``, ``Audience``, ``Campaign``, ``Simulator``, ``LearningCurve``, ``BlockWeights`` and
        ``FeatureHealth``.
    embedding_map, anomalies, lookalikes : mapping, optional
        See ``EmbeddingMap``, ``Anomalies`` and ``Lookalikes``.
    embedding_comparison : EmbeddingComparison, optional
        Of other lakes, as the benchmark measured it.

    Raises
    ------
    pydantic.ValidationError
        When a key is missing or has another type.
    """
    shared = ("ds", "rows", "base_rate", "constant_log_loss", "feature_schema_hash", "candidates", "choice", "pareto")
    decided = ("gates", "chosen", "published", "champion")
    before = measured.get("champion") or {}
    return Metrics.model_validate(
        {name: measured[name] for name in shared if name in measured}
        | {name: decision[name] for name in decided if name in decision}
        | {
            "embedding": measured.get("embedding") or None,
            "reasons": decision.get("reasons") or (),
            "champion_before": None if "error" in before else before or None,
            "champion_before_error": before.get("error"),
            "simulator": simulator or measured.get("simulator"),
            "parts": (training_set or {}).get("parts") or {},
            "bots": (training_set or {}).get("bots") or {},
            "ingest": tuple(ingest),
            "audience": audience,
            "campaigns": tuple(campaigns),
            "learning_curve": learning_curve,
            "block_weights": block_weights,
            "embedding_map": embedding_map,
            "embedding_comparison": embedding_comparison,
            "anomalies": anomalies,
            "lookalikes": lookalikes,
            "features": sorted(features, key=lambda one: (-(one["psi"] or 0.0), one["name"])),
            "machine": measured.get("machine") or {},
        }
    )
