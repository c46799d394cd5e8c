"""The search for better settings of a candidate, over the time split: log-loss on validation against serving bytes.

Optuna's TPE proposes; both aims are kept apart (Ozaki et al., 2022), so that what comes out is a Pareto front. A study
lies in a journal file and goes on from there. Each proposal is drawn with a seed of its own, made of the study's seed
and the number of trials that are done: a study that was stopped and resumed is the same as one that was not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from models.batch import LabelledRows
from models.bundle import serving_contents
from models.calibration import choose_calibrator
from models.candidates import CandidateSpec, parts_to_try
from models.click_model import ClickModel
from models.evaluation import log_loss
from models.family import Settings
from models.sampling import correction
from models.schema import FeatureSchema
from models.serving.engines import MODEL_FILES, load_engine

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

RANDOM_TRIALS = 12
"""Trials before TPE has enough to learn from."""


@dataclass(frozen=True)
class Range:
    """Where a setting is looked for, both ends included."""

    low: float
    high: float
    whole: bool = False
    """Whether it is a whole number."""


SPACES: Mapping[str, Mapping[str, Range]] = {
    "logistic": {"inverse_penalty": Range(0.001, 10)},
    "random_forest": {
        "n_trees": Range(20, 120, whole=True),
        "max_leaves": Range(15, 255, whole=True),
        "min_samples_leaf": Range(20, 400, whole=True),
        "max_features": Range(0.05, 0.5),
    },
    "histogram_forest": {
        "n_trees": Range(20, 120, whole=True),
        "num_leaves": Range(15, 255, whole=True),
        "min_data_in_leaf": Range(20, 1000, whole=True),
        "feature_fraction": Range(0.05, 0.8),
        "cat_smooth": Range(10, 1000),
    },
    "lightgbm": {
        "learning_rate": Range(0.02, 0.2),
        "num_leaves": Range(4, 63, whole=True),
        "min_data_in_leaf": Range(50, 2000, whole=True),
        "feature_fraction": Range(0.05, 0.8),
        "bagging_fraction": Range(0.4, 1),
        "lambda_l2": Range(0.1, 300),
        "cat_smooth": Range(10, 2000),
        "cat_l2": Range(1, 300),
        "min_data_per_group": Range(50, 2000, whole=True),
    },
}
"""Family -> its settings that are looked for, on a logarithmic scale."""


@dataclass(frozen=True)
class Tried:
    """A trial that is done."""

    number: int
    settings: Settings
    log_loss: float
    """On validation, as `models.candidates.fit_candidate` says it of a candidate."""
    serving_bytes: int
    """Encoder, model and calibrator, fitted on the training part."""


Objective: TypeAlias = Callable[[Settings], tuple[float, int]]


def objective(
    spec: CandidateSpec,
    train: LabelledRows,
    validation: LabelledRows,
    schema: FeatureSchema,
    n_latents: int,
    *,
    seed: int,
    n_threads: int,
) -> Objective:
    """Give the function that fits a candidate with other settings: validation log-loss as served, and serving bytes.

    Parameters are those of `models.candidates.fit_candidate`; rows are encoded, and binned, once.
    """
    parts, later = parts_to_try(spec, train, validation, schema, n_latents, seed=seed)
    known, rate = correction(spec.negatives_kept), float(train.label.mean())

    def fit(settings: Settings) -> tuple[float, int]:
        model = settings.fit(parts, seed=seed, n_threads=n_threads)
        engine = load_engine(model.serving_format, {MODEL_FILES[model.serving_format]: model.to_serving()})
        p = engine.predict(later)
        chosen = choose_calibrator(p, validation.label, validation.user, rate=rate, known=known, seed=seed)
        contents = serving_contents(ClickModel(parts.encoder, model, chosen.calibrator))
        return log_loss(chosen.probabilities, validation.label), sum(map(len, contents.values()))

    return fit


def open_study(journal: Path, name: str) -> Study:
    """Begin a study, or go on with it: what was being tried when it was stopped is not counted.

    Parameters
    ----------
    journal : Path
        The file of the study; it may hold others.
    name : str
        Name of the study. Two that could not share their trials (another candidate, other rows) need two names.
    """
    import optuna  # half a second, and only tuning needs it
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(journal)))
    directions: list[Any] = ["minimize", "minimize"]
    study = optuna.create_study(storage=storage, study_name=name, directions=directions, load_if_exists=True)
    for trial in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def tune(study: Study, spec: CandidateSpec, fit: Objective, *, seed: int, go_on: Callable[[int], bool]) -> list[Tried]:
    """Try settings for as long as ``go_on(number of trials done)`` says so; give the Pareto front, smallest last.

    The first trial has the candidate's present settings.

    Parameters
    ----------
    study : Study
        What `open_study` gave.
    spec : CandidateSpec
        What to tune.
    fit : callable
        What `objective` gave.
    seed : int
        What proposals are drawn with.
    go_on : callable
        Asked before each trial.
    """
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    space = SPACES[spec.settings.family]
    while go_on(done := len(study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))):
        if not done and not study.get_trials(deepcopy=False, states=[TrialState.WAITING]):
            study.enqueue_trial({name: getattr(spec.settings, name) for name in space})
        study.sampler = TPESampler(n_startup_trials=RANDOM_TRIALS, multivariate=True, seed=_seed(seed, done))
        trial = study.ask()
        study.tell(trial, fit(_proposed(spec, trial)))
    return sorted((_tried(spec, trial) for trial in study.best_trials), key=lambda one: (one.log_loss, one.number))


def _proposed(spec: CandidateSpec, trial: Trial) -> Settings:
    proposed = {
        name: trial.suggest_int(name, int(range_.low), int(range_.high), log=True)
        if range_.whole
        else trial.suggest_float(name, range_.low, range_.high, log=True)
        for name, range_ in SPACES[spec.settings.family].items()
    }
    return _with(spec, proposed)


def _tried(spec: CandidateSpec, trial: FrozenTrial) -> Tried:
    loss, size = trial.values
    return Tried(trial.number, _with(spec, trial.params), loss, int(size))


def _with(spec: CandidateSpec, found: Mapping[str, Any]) -> Settings:
    settings: Settings = replace(spec.settings, **found)  # type: ignore[type-var]  # every family's are a dataclass
    return settings


def _seed(seed: int, done: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}|{done}".encode()).digest()[:4])
