"""Tuning: a study that was stopped goes on as if it had not been, and its front is one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from models.batch import LabelledRows
from models.boosted_trees import BoostedTreesSettings
from models.candidates import CandidateSpec, candidates_for, fit_candidate
from models.evaluation import log_loss
from models.schema import FeatureSchema
from models.tuning import RANDOM_TRIALS, SPACES, Objective, objective, open_study, tune

SPEC = CandidateSpec("lightgbm", BoostedTreesSettings(max_trees=20, patience=5))


@pytest.fixture(scope="module")
def fit(parts: dict[str, LabelledRows], schema: FeatureSchema) -> Objective:
    return objective(SPEC, parts["train"], parts["validation"], schema, 8, seed=0, n_threads=1)


def pretend(settings: object) -> tuple[float, int]:
    """A cheap objective with a trade-off: more leaves, less loss, more bytes."""
    assert isinstance(settings, BoostedTreesSettings)
    return 1 / settings.num_leaves + abs(settings.feature_fraction - 0.4), settings.num_leaves * 100


def history(journal: Path, name: str) -> list[tuple[dict[str, float], list[float]]]:
    done = [trial for trial in open_study(journal, name).trials if trial.values]
    return [(trial.params, trial.values) for trial in done]


def test_the_first_trial_is_what_there_is(
    fit: Objective, parts: dict[str, LabelledRows], schema: FeatureSchema, tmp_path: Path
) -> None:
    tune(open_study(tmp_path / "j", "s"), SPEC, fit, seed=0, go_on=lambda done: done < 2)
    fitted = fit_candidate(SPEC, parts["train"], parts["validation"], schema, 8, seed=0, n_threads=1)
    (params, (loss, size)), (others, _) = history(tmp_path / "j", "s")
    assert params == {name: getattr(SPEC.settings, name) for name in SPACES["lightgbm"]} != others
    assert loss == pytest.approx(log_loss(fitted.validation, parts["validation"].label), abs=1e-6)
    assert size > 500


def test_what_is_judged_is_what_would_be_served(fit: Objective, monkeypatch: pytest.MonkeyPatch) -> None:
    loss, _ = fit(SPEC.settings)
    spoiled = SimpleNamespace(predict=lambda rows: np.full(len(rows), 0.05))
    monkeypatch.setattr("models.tuning.load_engine", lambda *_: spoiled)
    assert fit(SPEC.settings)[0] > loss + 0.005


def test_a_study_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    trials = RANDOM_TRIALS + 4
    whole = tune(open_study(tmp_path / "j", "whole"), SPEC, pretend, seed=1, go_on=lambda done: done < trials)
    study = open_study(tmp_path / "j", "stopped")
    tune(study, SPEC, pretend, seed=1, go_on=lambda done: done < RANDOM_TRIALS + 2)
    study.ask()  # killed while it was being tried
    again = tune(open_study(tmp_path / "j", "stopped"), SPEC, pretend, seed=1, go_on=lambda done: done < trials)
    assert history(tmp_path / "j", "stopped") == history(tmp_path / "j", "whole")
    assert [(one.log_loss, one.serving_bytes) for one in again] == [(one.log_loss, one.serving_bytes) for one in whole]
    other = tune(open_study(tmp_path / "j", "other"), SPEC, pretend, seed=2, go_on=lambda done: done < trials)
    assert [one.settings for one in other] != [one.settings for one in whole]


def test_nothing_of_the_front_is_beaten_in_both(tmp_path: Path) -> None:
    front = tune(open_study(tmp_path / "j", "s"), SPEC, pretend, seed=0, go_on=lambda done: done < 30)
    values = [(one.log_loss, one.serving_bytes) for one in front]
    assert values == sorted(values)
    assert all(size > after for (_, size), (_, after) in pairwise(values))
    found = [tuple(values) for _, values in history(tmp_path / "j", "s")]
    assert all(any(loss <= a and size <= b for loss, size in values) for a, b in found)


def test_every_default_lies_in_its_space() -> None:
    for spec in candidates_for(8):
        for name, range_ in SPACES[spec.settings.family].items():
            assert range_.low <= getattr(spec.settings, name) <= range_.high
