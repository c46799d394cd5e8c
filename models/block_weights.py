"""What each block of features adds: the same model without it, held against the whole on the hold-out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from models.batch import LabelledRows
from models.candidates import CandidateSpec, parts_to_try
from models.evaluation import Interval, auc, auc_gain_interval, excess_interval, log_loss
from models.schema import FeatureSchema
from models.serving.types import Floats

CODES = "codes"
"""The users' codes as a block."""


@dataclass(frozen=True)
class BlockWeight:
    """A block, by what its absence costs on the hold-out."""

    block: str
    """Name of the block."""
    columns: int
    """Features that were left out; for codes, latents."""
    log_loss_gain: float
    """Log-loss without the block minus with it, in nats a row; positive when the block helps."""
    log_loss_gain_ci: Interval
    auc_gain: float
    """AUC with the block minus without it."""
    auc_gain_ci: Interval


@dataclass(frozen=True)
class Whole:
    """The model that reads everything, on the hold-out."""

    columns: int
    auc: float
    log_loss: float


def weigh_blocks(
    spec: CandidateSpec,
    train: LabelledRows,
    validation: LabelledRows,
    holdout: LabelledRows,
    schema: FeatureSchema,
    n_latents: int,
    blocks: Mapping[str, Collection[str]],
    *,
    seed: int,
    n_threads: int,
) -> Iterator[Whole | BlockWeight]:
    """Fit a candidate with everything, then without each block in turn.

    Every model is fitted on the training part and stopped by the validation part; none is calibrated, so a difference
    is that of the features. What two blocks both tell, neither is missed for.

    Parameters
    ----------
    spec : CandidateSpec
        What to fit.
    train, validation, holdout : LabelledRows
        Consecutive in time.
    schema : FeatureSchema
        Which columns are what.
    n_latents : int
        Width of the users' code; with a code that the candidate reads, it is the last block, `CODES`.
    blocks : mapping of str to collection of str
        Features by block; features that the schema lacks are ignored, and so is a block without any other.
    seed, n_threads : int
        As for `models.candidates.fit_candidate`; intervals are drawn with the seed.

    Yields
    ------
    Whole, then BlockWeight
        In the order of the blocks. Intervals are paired: users are resampled for both models alike.
    """
    width = n_latents if spec.codes else 0

    def predicted(kept: FeatureSchema, latents: int) -> Floats:
        parts, _ = parts_to_try(spec, train, validation, kept, latents, seed=seed)
        model = spec.settings.fit(parts, seed=seed, n_threads=n_threads)
        return model.predict(parts.encoder.encode(holdout.batch))

    label, user = holdout.label, holdout.user
    p = predicted(schema, width)
    yield Whole(len(schema.features) + width, auc(p, label), log_loss(p, label))
    for name, latents, kept in _without_each(schema, width, blocks):
        without = predicted(kept, latents)
        yield BlockWeight(
            name,
            len(schema.features) - len(kept.features) + width - latents,
            log_loss(without, label) - log_loss(p, label),
            excess_interval(without, p, label, user, seed=seed),
            auc(p, label) - auc(without, label),
            auc_gain_interval(p, without, label, user, seed=seed),
        )


def _without_each(
    schema: FeatureSchema, width: int, blocks: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, int, FeatureSchema]]:
    for name, features in blocks.items():
        kept = tuple(feature for feature in schema.features if feature.name not in features)
        if len(kept) < len(schema.features):
            yield name, width, replace(schema, features=kept)
    if width:
        yield CODES, 0, schema
