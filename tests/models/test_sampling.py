"""Leaving out negatives changes the rows that are fitted on, and not what a probability means."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.batch import LabelledRows
from models.candidates import CandidateSpec, fit_candidate, parts_to_try
from models.evaluation import auc
from models.logistic import LogisticSettings
from models.sampling import correction, sampled_rows
from models.schema import FeatureSchema

PROBABILITIES = st.floats(1e-6, 1 - 1e-6)
SHARES = st.floats(1e-3, 1)
N_LATENTS = 8


@given(p=PROBABILITIES, kept=SHARES)
def test_the_correction_is_the_inverse_of_sampling(p: float, kept: float) -> None:
    """Of rows with probability p, those without a click are left with their share: Bayes gives what a model sees."""
    seen = p / (p + kept * (1 - p))
    assert correction(kept).apply_one(seen) == pytest.approx(p, rel=1e-9)


@given(label=st.lists(st.integers(0, 1), min_size=1, max_size=50), kept=SHARES, seed=st.integers(0, 9))
def test_every_click_is_kept_in_its_place(label: list[int], kept: float, seed: int) -> None:
    rows = sampled_rows(np.array(label), kept, seed=seed)
    assert (np.diff(rows) > 0).all()
    assert set(np.flatnonzero(label)) <= set(rows.tolist())
    np.testing.assert_array_equal(sampled_rows(np.array(label), kept, seed=seed), rows)


def test_the_share_of_negatives_is_that_asked_for() -> None:
    label = (np.arange(20_000) % 20 == 0).astype(np.int64)
    rows = sampled_rows(label, 0.25, seed=1)
    assert (label[rows] == 0).sum() / (label == 0).sum() == pytest.approx(0.25, abs=0.01)
    assert correction(1).method == "none"
    np.testing.assert_array_equal(sampled_rows(label, 1.0, seed=1), np.arange(len(label)))


def test_probabilities_are_right_whatever_was_left_out(parts: dict[str, LabelledRows], schema: FeatureSchema) -> None:
    everything = CandidateSpec("logistic", LogisticSettings())
    holdout, found = parts["holdout"], []
    for spec in (everything, replace(everything, negatives_kept=0.3)):
        fitted = fit_candidate(spec, parts["train"], parts["validation"], schema, N_LATENTS, seed=0, n_threads=1)
        p = fitted.model.predict(holdout.batch)
        assert p.mean() == pytest.approx(holdout.label.mean(), abs=0.01)
        found.append(auc(p, holdout.label))
    assert found[1] == pytest.approx(found[0], abs=0.02)


def test_rows_to_stop_by_are_sampled_too_and_rows_to_calibrate_by_are_not(
    parts: dict[str, LabelledRows], schema: FeatureSchema
) -> None:
    spec = CandidateSpec("logistic", LogisticSettings(), negatives_kept=0.3)
    sampled, later = parts_to_try(spec, parts["train"], parts["validation"], schema, N_LATENTS, seed=0)
    assert len(later) == len(parts["validation"])
    assert sampled.validation_label is not None
    odds = [math.log(label.mean() / (1 - label.mean())) for label in (sampled.label, sampled.validation_label)]
    whole = [math.log(rows.label.mean() / (1 - rows.label.mean())) for rows in (parts["train"], parts["validation"])]
    assert odds == pytest.approx([one - math.log(0.3) for one in whole], abs=0.1)
