"""The histogram forest: leaves are shares of clicks, trees are averaged, and what is served is what was fitted."""

from __future__ import annotations

import numpy as np
import pytest

from models.batch import LabelledRows
from models.bundle import serving_contents
from models.candidates import CandidateSpec, FittedCandidate, fit_candidate
from models.evaluation import auc
from models.format_check import check_formats
from models.histogram_forest import HistogramForestSettings
from models.probe import probe
from models.schema import FeatureSchema
from models.tree_ensembles import from_lightgbm


@pytest.fixture(scope="module")
def fitted(parts: dict[str, LabelledRows], schema: FeatureSchema) -> FittedCandidate:
    spec = CandidateSpec("forest", HistogramForestSettings(n_trees=20, num_leaves=15))
    return fit_candidate(spec, parts["train"], parts["validation"], schema, 8, seed=0, n_threads=1)


def test_it_learns_shares_of_clicks(fitted: FittedCandidate, parts: dict[str, LabelledRows]) -> None:
    rows = parts["holdout"]
    p = fitted.model.predict(rows.batch)
    assert auc(p, rows.label) > 0.6
    assert p.mean() == pytest.approx(rows.label.mean(), abs=0.02)
    leaves = np.concatenate([tree.leaf for tree in from_lightgbm(fitted.model.model.text).trees])
    assert ((leaves >= 0) & (leaves <= 1)).all()


def test_what_is_served_is_what_was_fitted(
    fitted: FittedCandidate, parts: dict[str, LabelledRows], schema: FeatureSchema
) -> None:
    found = check_formats(fitted.model, serving_contents(fitted.model), probe(parts["validation"].batch, schema))
    assert found["conversion_max_difference"] < 2e-5
    assert max(found["conversion_difference"].values()) < 1e-4
    assert {"lightgbm_text", "onnx", "onnx_zstd"} < set(found["other_formats"])
    assert len(fitted.model.model.to_serving()) < len(fitted.model.model.to_others()["lightgbm_text"]) / 5


def test_the_same_seed_gives_the_same_forest(
    fitted: FittedCandidate, parts: dict[str, LabelledRows], schema: FeatureSchema
) -> None:
    again, other = (
        fit_candidate(fitted.spec, parts["train"], parts["validation"], schema, 8, seed=seed, n_threads=1)
        for seed in (0, 1)
    )
    assert serving_contents(again.model) == serving_contents(fitted.model) != serving_contents(other.model)


def test_other_objectives_are_not_read() -> None:
    text = "tree\nobjective=poisson\nmax_feature_idx=0\n"
    with pytest.raises(ValueError, match="expected a model of objective 'binary sigmoid:1' or objective 'regression'"):
        from_lightgbm(text)
