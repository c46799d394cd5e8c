"""The candidates: which click models are fitted, and how one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, SkipValidation
from pydantic.dataclasses import dataclass as checked

from models.batch import LabelledRows, joined
from models.boosted_trees import BoostedTreesSettings
from models.calibration import choose_calibrator
from models.click_model import ClickModel
from models.encoding import fit_encoder
from models.family import CHECKED, EncodedParts, FittedModel, Labels, Settings, Share
from models.histogram_forest import HistogramForestSettings
from models.logistic import LogisticSettings
from models.random_forest import RandomForestSettings
from models.sampling import correction, sampled_rows
from models.schema import FeatureSchema
from models.serving.encoder import RowEncoder
from models.serving.types import Floats

FAMILIES: Mapping[str, Any] = {
    one.family: one for one in (LogisticSettings, RandomForestSettings, HistogramForestSettings, BoostedTreesSettings)
}
"""Family -> its settings."""


@checked(frozen=True, config=ConfigDict(**CHECKED, arbitrary_types_allowed=True))
class CandidateSpec:
    """What to fit."""

    name: str
    """Name of the candidate and of its bundle's folder."""
    settings: SkipValidation[Settings]
    """Family and hyper-parameters."""
    codes: bool = True
    """Whether the model reads the users' codes besides the features."""
    negatives_kept: Share = 1.0
    """Share of the rows without a click that are fitted on; `models.sampling` puts probabilities right again."""


DEFAULT_CANDIDATES: tuple[CandidateSpec, ...] = (
    CandidateSpec("lightgbm", BoostedTreesSettings()),
    CandidateSpec("random_forest", RandomForestSettings()),
    CandidateSpec("histogram_forest", HistogramForestSettings()),
    CandidateSpec("lightgbm_no_embedding", BoostedTreesSettings(), codes=False),
    CandidateSpec("logistic", LogisticSettings()),
)
"""The longest fits first: two may be fitted at a time, and the shortest fills what is left."""


@dataclass(frozen=True)
class FittedCandidate:
    """A candidate after fitting."""

    spec: CandidateSpec
    model: ClickModel
    fit_seconds: float
    """Wall time of encoding, calibrating and fitting twice; longer where another candidate is fitted beside it."""
    validation: Floats
    """Shape (n_validation,): calibrated probabilities, each by a calibrator fitted on other users."""

    @property
    def n_features(self) -> int:
        """Number of columns that the model reads."""
        return len(self.model.encoder.columns)


class Judged(Protocol):
    """The rows that stop and calibrate, in a fixed order."""

    @property
    def label(self) -> Labels:
        """Shape (n_validation,): 1 where the send was clicked."""
        ...

    @property
    def user(self) -> NDArray[np.int64]:
        """Shape (n_validation,): a number for each user."""
        ...


class Trainer(Protocol):
    """Fits candidates where the rows lie: in memory, on disk, on a cluster."""

    @property
    def validation(self) -> Judged:
        """The validation part."""
        ...

    @property
    def click_rate(self) -> float:
        """Share of the training rows that were clicked."""
        ...

    def try_out(self, spec: CandidateSpec) -> tuple[FittedModel, Floats]:
        """Fit on the training part, stopped by the validation part; also gives the latter's probabilities."""
        ...

    def fit_on_both(self, spec: CandidateSpec) -> tuple[RowEncoder, FittedModel]:
        """Fit on both parts; nothing is left to stop by."""
        ...


def candidates_for(n_latents: int, specs: Sequence[CandidateSpec] = DEFAULT_CANDIDATES) -> list[CandidateSpec]:
    """Give the candidates that a training set allows: without codes, each of those that differ by them alone once."""
    if n_latents:
        return list(specs)
    without = [replace(spec, codes=False) for spec in specs]
    return [spec for at, spec in enumerate(without) if _fitted(spec) not in map(_fitted, without[:at])]


def fit_candidate(
    spec: CandidateSpec,
    train: LabelledRows,
    validation: LabelledRows,
    schema: FeatureSchema,
    n_latents: int,
    *,
    seed: int,
    n_threads: int,
) -> FittedCandidate:
    """Fit one candidate: on the training part to stop and calibrate by the validation part, then on both.

    What validation decided (number of trees, shape of the calibration) stays as it is for the fit on both parts, whose
    rows are the newest there are before the hold-out. Their level comes from that last fit (see `models.calibration`).

    Parameters
    ----------
    spec : CandidateSpec
        What to fit.
    train, validation : LabelledRows
        Consecutive in time, in a fixed order.
    schema : FeatureSchema
        Which columns are what.
    n_latents : int
        Width of the users' code.
    seed, n_threads : int
        The same ones give the same candidate.
    """
    return fit_by(InMemory(train, validation, schema, n_latents, seed, n_threads), spec, seed=seed)


def fit_by(trainer: Trainer, spec: CandidateSpec, *, seed: int) -> FittedCandidate:
    """Fit one candidate as `fit_candidate` does, wherever the rows lie."""
    started = perf_counter()
    tried, p = trainer.try_out(spec)
    calibration = choose_calibrator(
        p,
        trainer.validation.label,
        trainer.validation.user,
        rate=trainer.click_rate,
        known=correction(spec.negatives_kept),
        seed=seed,
    )
    encoder, model = trainer.fit_on_both(replace(spec, settings=spec.settings.settled(tried)))
    fitted = ClickModel(encoder, model, calibration.calibrator)
    return FittedCandidate(spec, fitted, perf_counter() - started, calibration.probabilities)


@dataclass(frozen=True)
class InMemory:
    """A trainer of any family, on rows in memory."""

    train: LabelledRows
    validation: LabelledRows
    schema: FeatureSchema
    n_latents: int
    seed: int
    n_threads: int

    @property
    def click_rate(self) -> float:
        """Share of the training rows that were clicked."""
        return float(self.train.label.mean())

    def try_out(self, spec: CandidateSpec) -> tuple[FittedModel, Floats]:
        """Fit on the training part."""
        parts, later = parts_to_try(spec, self.train, self.validation, self.schema, self.n_latents, seed=self.seed)
        tried = spec.settings.fit(parts, seed=self.seed, n_threads=self.n_threads)
        return tried, tried.predict(later)

    def fit_on_both(self, spec: CandidateSpec) -> tuple[RowEncoder, FittedModel]:
        """Fit on both parts."""
        both = joined(self.train, self.validation)
        encoder = encoder_for(spec, both.batch, self.schema, self.n_latents)
        parts = _sampled(EncodedParts(encoder, encoder.encode(both.batch), both.label), spec, self.seed)
        return encoder, spec.settings.fit(parts, seed=self.seed, n_threads=self.n_threads)


def parts_to_try(
    spec: CandidateSpec,
    train: LabelledRows,
    validation: LabelledRows,
    schema: FeatureSchema,
    n_latents: int,
    *,
    seed: int,
) -> tuple[EncodedParts, Floats]:
    """Encode what a candidate is first fitted on, and stopped by; also gives all validation rows, encoded."""
    encoder = encoder_for(spec, train.batch, schema, n_latents)
    later = encoder.encode(validation.batch)
    parts = EncodedParts(encoder, encoder.encode(train.batch), train.label, later, validation.label)
    return _sampled(parts, spec, seed), later


def encoder_for(
    spec: CandidateSpec, batch: Mapping[str, NDArray[Any]], schema: FeatureSchema, n_latents: int
) -> RowEncoder:
    """Learn the encoder of a candidate from the rows that it is fitted on."""
    return fit_encoder(batch, schema, n_latents if spec.codes else 0, missing=spec.settings.missing)


def _fitted(spec: CandidateSpec) -> tuple[Settings, float]:
    return spec.settings, spec.negatives_kept


def _sampled(parts: EncodedParts, spec: CandidateSpec, seed: int) -> EncodedParts:
    """Leave out negatives as the candidate asks for, of the rows to stop by as well: their level would be another."""
    if spec.negatives_kept == 1:
        return parts
    rows = sampled_rows(parts.label, spec.negatives_kept, seed=seed)
    drawn = replace(parts, rows=parts.rows[rows], label=parts.label[rows], kept={})
    if parts.validation_rows is None or parts.validation_label is None:
        return drawn
    later = sampled_rows(parts.validation_label, spec.negatives_kept, seed=seed)
    return replace(
        drawn, validation_rows=parts.validation_rows[later], validation_label=parts.validation_label[later], kept={}
    )
