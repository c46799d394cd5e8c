"""The candidates: which click models are fitted, and how one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from models.batch import LabelledRows, joined
from models.boosted_trees import BoostedTreesSettings
from models.calibration import choose_calibrator
from models.click_model import ClickModel
from models.encoding import fit_encoder
from models.family import EncodedParts, Settings
from models.logistic import LogisticSettings
from models.random_forest import RandomForestSettings
from models.schema import FeatureSchema
from models.serving.encoder import RowEncoder
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
    encoder = _encoder(spec, train, schema, n_latents)
    later = encoder.encode(validation.batch)
    parts = EncodedParts(encoder, encoder.encode(train.batch), train.label, later, validation.label)
    tried = spec.settings.fit(parts, seed=seed, n_threads=n_threads)
    rate = float(train.label.mean())
    calibration = choose_calibrator(tried.predict(later), validation.label, validation.user, rate=rate, seed=seed)
    both = joined(train, validation)
    encoder = _encoder(spec, both, schema, n_latents)
    parts = EncodedParts(encoder, encoder.encode(both.batch), both.label)
    model = spec.settings.settled(tried).fit(parts, seed=seed, n_threads=n_threads)
    fitted = ClickModel(encoder, model, calibration.calibrator)
    return FittedCandidate(spec, fitted, perf_counter() - started, calibration.probabilities)


def _encoder(spec: CandidateSpec, rows: LabelledRows, schema: FeatureSchema, n_latents: int) -> RowEncoder:
    return fit_encoder(rows.batch, schema, n_latents if spec.codes else 0, missing=spec.settings.missing)
