"""The candidates: which click models are fitted, and how one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from threadpoolctl import threadpool_limits

from models.batch import LabelledRows
from models.boosted_trees import BoostedTreesSettings
from models.calibration import choose_calibrator
from models.click_model import ClickModel
from models.encoding import fit_encoder
from models.family import EncodedParts, Settings
from models.logistic import LogisticSettings
from models.random_forest import RandomForestSettings
from models.schema import FeatureSchema
from models.serving.types import Floats


@dataclass(frozen=True)
class CandidateSpec:
    """What to fit."""

    name: str
    """Name of the candidate and of its bundle's folder."""
    settings: Settings
    """Family and hyper-parameters."""
    codes: bool = True
    """Whether the model reads the users' codes besides the features."""


DEFAULT_CANDIDATES: tuple[CandidateSpec, ...] = (
    CandidateSpec("logistic", LogisticSettings()),
    CandidateSpec("random_forest", RandomForestSettings()),
    CandidateSpec("lightgbm", BoostedTreesSettings()),
    CandidateSpec("random_forest_no_embedding", RandomForestSettings(), codes=False),
    CandidateSpec("lightgbm_no_embedding", BoostedTreesSettings(), codes=False),
)


@dataclass(frozen=True)
class FittedCandidate:
    """A candidate after fitting."""

    spec: CandidateSpec
    model: ClickModel
    fit_seconds: float
    """Wall time of encoding, fitting and calibrating."""
    validation: Floats
    """Shape (n_validation,): calibrated probabilities, each by a calibrator fitted on other users."""

    @property
    def n_features(self) -> int:
        """Number of columns that the model reads."""
        return len(self.model.encoder.columns)


def candidates_for(
    n_latents: int, specs: Sequence[CandidateSpec] = DEFAULT_CANDIDATES
) -> list[CandidateSpec]:
    """Give the candidates that a training set allows: without codes, each family once."""
    if n_latents:
        return list(specs)
    return [replace(spec, codes=False) for spec in specs if spec.codes]


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
    """Fit one candidate on the training part and calibrate it on the validation part.

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
    with threadpool_limits(limits=n_threads):
        encoder = fit_encoder(
            train.batch, schema, n_latents if spec.codes else 0, missing=spec.settings.missing
        )
        parts = EncodedParts(
            encoder=encoder,
            rows=encoder.encode(train.batch),
            label=train.label,
            validation_rows=encoder.encode(validation.batch),
            validation_label=validation.label,
        )
        model = spec.settings.fit(parts, seed=seed, n_threads=n_threads)
        raw = model.predict(parts.validation_rows)
        calibration = choose_calibrator(raw, validation.label, validation.user, seed=seed)
    fitted = ClickModel(encoder, model, calibration.calibrator)
    return FittedCandidate(spec, fitted, perf_counter() - started, calibration.probabilities)
