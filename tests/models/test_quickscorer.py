"""Trees that read rows in parts give what LightGBM's library gives for whole rows."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from models.quickscorer import QuickScorer
from models.serving.compact_engine import compared_as_they_are
from models.serving.compact_trees import TreeEnsemble
from models.serving.errors import EngineError
from models.serving.lightgbm_engine import LightGBMEngine
from models.serving.lightgbm_text import to_lightgbm_text
from models.tree_ensembles import from_forest, from_lightgbm

Rows = NDArray[np.float64]
PARTS = ([0, 3], [1, 4], [2])


def rows_of(n: int, seed: int, missing: float = 0.1) -> Rows:
    """Numbers, some of them 0, near 0, huge or missing, and a category; with codes that training lacks and no codes."""
    rng = np.random.default_rng(seed)
    counts = rng.choice([0, 1e-36, -1e-36, 1, 2, 5, 1e300, -1e300], n)
    columns = [rng.normal(size=n), counts, rng.lognormal(0, 4, n), rng.integers(-1, 60 + 10 * seed, n), rng.random(n)]
    rows = np.column_stack(columns)
    rows[rng.random(rows.shape) < missing] = np.nan
    return rows


def labels_of(rows: Rows) -> NDArray[np.int64]:
    score = np.nan_to_num(rows[:, 0]) + np.isnan(rows[:, 1]) + (rows[:, 1] == 0) + (rows[:, 3] % 3 == 1) - rows[:, 4]
    return (np.random.default_rng(5).random(len(rows)) < 1 / (1 + np.exp(-np.nan_to_num(score)))).astype(np.int64)


def booster(**more: object) -> TreeEnsemble:
    rows = rows_of(6000, 1)
    data = lightgbm.Dataset(rows, labels_of(rows), categorical_feature=[3], params={"verbose": -1, **more})
    settings = {"objective": "binary", "min_data_in_leaf": 20, "verbose": -1, "num_threads": 1, **more}
    return from_lightgbm(lightgbm.train(settings, data, 30).model_to_string())


def by_parts(ensemble: TreeEnsemble, rows: Rows) -> Rows:
    """Score rows by three parts, of which each is kept in another order."""
    trees, parts = QuickScorer(ensemble), []
    for seed, columns in enumerate(PARTS):
        order = np.random.default_rng(seed).permutation(len(rows))
        parts.append((trees.open_leaves(columns, rows[order][:, columns]), np.argsort(order)))
    return trees.predict(parts, len(rows))


def by_library(ensemble: TreeEnsemble, rows: Rows) -> Rows:
    return LightGBMEngine(to_lightgbm_text(ensemble).encode()).predict(rows)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"num_leaves": 4},
        {"num_leaves": 12},
        {"num_leaves": 64, "min_data_in_leaf": 2},
        {"use_missing": False},
        {"zero_as_missing": True},
        {"max_depth": 1},
        {"min_data_in_leaf": 10_000},
        {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1, "objective": "regression"},
    ],
    ids=str,
)
def test_boosted_trees(more: dict[str, object]) -> None:
    ensemble, rows = booster(**more), rows_of(25_000, 2)
    np.testing.assert_allclose(by_parts(ensemble, rows), by_library(ensemble, rows), rtol=1e-12)


def test_a_forest_that_compares_in_float32() -> None:
    rows = rows_of(6000, 1, missing=0).clip(-1e30, 1e30)
    fitted = RandomForestClassifier(20, max_leaf_nodes=40, random_state=0).fit(rows.astype(np.float32), labels_of(rows))
    ensemble, new = compared_as_they_are(from_forest(fitted)), rows_of(25_000, 2, missing=0).clip(-1e30, 1e30)
    found = by_parts(ensemble, new)
    np.testing.assert_allclose(found, by_library(ensemble, new), rtol=1e-12)
    np.testing.assert_allclose(found, fitted.predict_proba(new.astype(np.float32))[:, 1], atol=1e-12)


def test_no_rows() -> None:
    assert by_parts(booster(), rows_of(0, 2)).shape == (0,)


def test_scores_far_from_zero_are_no_error() -> None:
    ensemble = booster(learning_rate=1000.0, num_leaves=4)
    rows = rows_of(1000, 2)
    found = by_parts(ensemble, rows)
    assert found.min() < 1e-300
    assert found.max() == 1.0
    np.testing.assert_allclose(found, by_library(ensemble, rows), rtol=1e-12, atol=1e-300)


def test_a_tree_of_more_leaves_is_refused_and_so_are_no_trees() -> None:
    with pytest.raises(EngineError, match="expected trees of 1 to 64 leaves, got 65"):
        QuickScorer(booster(num_leaves=65, min_data_in_leaf=2))
    with pytest.raises(EngineError, match="got 0"):
        QuickScorer(TreeEnsemble((), 5, "sigmoid", single=False))
