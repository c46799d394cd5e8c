"""The candidates: which click models are fitted, and how one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from pydantic import ConfigDict, SkipValidation
from pydantic.dataclasses import dataclass as checked

from models.batch import LabelledRows, joined
from models.boosted_trees import BoostedTreesSettings
from models.calibration import choose_calibrator
from models.click_model import ClickModel
from models.encoding import fit_encoder
from models.family import CHECKED, EncodedParts, Settings, Share
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
    CandidateSpec("logistic", LogisticSettings()),
    CandidateSpec("random_forest", RandomForestSettings()),
    CandidateSpec("lightgbm", BoostedTreesSettings()),
    CandidateSpec("lightgbm_no_embedding", BoostedTreesSettings(), codes=False),
)


@dataclass(frozen=True)
class FittedCandidate:
    """A candidate after fitting."""

    spec: CandidateSpec
    model: ClickModel
    fit_seconds: float
    """Wall time of encoding, calibrating and fitting twice."""
    validation: Floats
    """Shape (n_validation,): calibrated probabilities, each by a calibrator fitted on other users."""

    @property
    def n_features(self) -> int:
        """Number of columns that the model reads."""
        return len(self.model.encoder.columns)


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
    started = perf_counter()
    parts, later = parts_to_try(spec, train, validation, schema, n_latents, seed=seed)
    tried = spec.settings.fit(parts, seed=seed, n_threads=n_threads)
    calibration = choose_calibrator(
        tried.predict(later),
        validation.label,
        validation.user,
        rate=float(train.label.mean()),
        known=correction(spec.negatives_kept),
        seed=seed,
    )
    both = joined(train, validation)
    encoder = _encoder(spec, both, schema, n_latents)
    parts = EncodedParts(encoder, encoder.encode(both.batch), both.label)
    model = spec.settings.settled(tried).fit(_sampled(parts, spec, seed), seed=seed, n_threads=n_threads)
    fitted = ClickModel(encoder, model, calibration.calibrator)
    return FittedCandidate(spec, fitted, perf_counter() - started, calibration.probabilities)


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
    encoder = _encoder(spec, train, schema, n_latents)
    later = encoder.encode(validation.batch)
    parts = EncodedParts(encoder, encoder.encode(train.batch), train.label, later, validation.label)
    return _sampled(parts, spec, seed), later


def _fitted(spec: CandidateSpec) -> tuple[Settings, float]:
    return spec.settings, spec.negatives_kept


def _encoder(spec: CandidateSpec, rows: LabelledRows, schema: FeatureSchema, n_latents: int) -> RowEncoder:
    return fit_encoder(rows.batch, schema, n_latents if spec.codes else 0, missing=spec.settings.missing)


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
