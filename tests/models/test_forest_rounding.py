"""A rounded forest: every tree parts its own rows as before, with fewer and shorter thresholds and leaves of 8 bits."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from models.forest_rounding import LEAF_STEPS, round_forest
from models.random_forest import FittedForest
from models.serving.engines import load_engine

Rows = NDArray[np.float32]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Counts, shares, a long tail, a column with one value, and one whose negatives stand for nothing."""
    rng = np.random.default_rng(1)
    columns = rng.poisson(3, 4000), rng.random(4000), rng.lognormal(0, 4, 4000), np.ones(4000)
    return np.column_stack([*columns, np.where(rng.random(4000) < 0.2, -1e6, rng.normal(size=4000))]).astype(np.float32)


@pytest.fixture(scope="module")
def forest(rows: Rows) -> RandomForestClassifier:
    score = 0.3 * rows[:, 0] + 2 * rows[:, 1] - (rows[:, 4] < 0)
    label = np.random.default_rng(2).random(len(rows)) < 1 / (1 + np.exp(2 - score))
    made = RandomForestClassifier(30, max_leaf_nodes=31, min_samples_leaf=5, max_samples=2000, random_state=0)
    return made.fit(rows, label.astype(int))


@pytest.fixture(scope="module")
def rounded(forest: RandomForestClassifier, rows: Rows) -> RandomForestClassifier:
    found = copy.deepcopy(forest)
    round_forest(found, rows)
    return found


def thresholds(forest: RandomForestClassifier) -> list[tuple[int, float]]:
    trees = (estimator.tree_ for estimator in forest.estimators_)
    return [
        (int(column), float(at))
        for tree in trees
        for column, at in zip(tree.feature, tree.threshold, strict=True)
        if column >= 0
    ]


def hex_digits(value: float) -> int:
    return len(value.hex().partition(".")[2].partition("p")[0].rstrip("0"))


def test_no_row_that_a_tree_learned_from_changes_sides(
    forest: RandomForestClassifier, rounded: RandomForestClassifier, rows: Rows
) -> None:
    for before, after, drawn in zip(forest.estimators_, rounded.estimators_, forest.estimators_samples_, strict=True):
        np.testing.assert_array_equal(after.apply(rows[drawn]), before.apply(rows[drawn]))


def test_splits_share_thresholds_and_these_are_short(
    forest: RandomForestClassifier, rounded: RandomForestClassifier
) -> None:
    before, after = thresholds(forest), thresholds(rounded)
    assert [column for column, _ in after] == [column for column, _ in before]
    assert len(set(after)) < len(set(before)) * 0.8
    assert np.mean([hex_digits(value) for _, value in set(after)]) < 3
    assert np.mean([hex_digits(value) for _, value in set(before)]) > 5
    assert all(np.float32(value) == value for _, value in after)


def test_leaves_are_off_by_half_a_step_at_most(
    forest: RandomForestClassifier, rounded: RandomForestClassifier, rows: Rows
) -> None:
    for before, after in zip(forest.estimators_, rounded.estimators_, strict=True):
        leaf = before.tree_.children_left < 0
        old, new = before.tree_.value[leaf, 0, 1], after.tree_.value[leaf, 0, 1]
        assert np.abs(new - old).max() <= np.ptp(old) / LEAF_STEPS * 0.501
        assert len(np.unique(new)) <= LEAF_STEPS + 1
    p = rounded.predict_proba(rows)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert np.abs(p - forest.predict_proba(rows)).mean() < 0.002  # rows that a tree did not learn from may change sides


def test_it_is_served_as_it_is_and_takes_fewer_bytes(
    forest: RandomForestClassifier, rounded: RandomForestClassifier, rows: Rows
) -> None:
    content = FittedForest(rounded).to_serving()
    assert len(content) < 0.75 * len(FittedForest(forest).to_serving())
    served = load_engine("compact", {"model.trees": content}).predict(rows.astype(np.float64))
    np.testing.assert_allclose(served, rounded.predict_proba(rows)[:, 1], rtol=0, atol=1e-15)


def test_rounding_again_changes_nothing(rounded: RandomForestClassifier, rows: Rows) -> None:
    again = copy.deepcopy(rounded)
    round_forest(again, rows)
    assert FittedForest(again).to_serving() == FittedForest(rounded).to_serving()


def test_shares_that_hardly_differ_keep_their_order(forest: RandomForestClassifier, rows: Rows) -> None:
    close = copy.deepcopy(forest)
    for tree in (estimator.tree_ for estimator in close.estimators_):
        share = 0.5 + 1e-7 * tree.value[:, 0, 1]
        tree.value[:, 0, 1], tree.value[:, 0, 0] = share, 1 - share
    found = copy.deepcopy(close)
    round_forest(found, rows)
    for before, after in zip(close.estimators_, found.estimators_, strict=True):
        leaf = before.tree_.children_left < 0
        old, new = before.tree_.value[leaf, 0, 1], after.tree_.value[leaf, 0, 1]
        assert np.abs(new - old).max() <= np.ptp(old) / LEAF_STEPS * 0.501
    served = load_engine("compact", {"model.trees": FittedForest(found).to_serving()}).predict(rows.astype(np.float64))
    np.testing.assert_allclose(served, found.predict_proba(rows)[:, 1], rtol=0, atol=1e-11)


def test_a_tree_without_a_split_stays(rows: Rows) -> None:
    made = RandomForestClassifier(3, min_samples_leaf=3999, random_state=0).fit(rows, np.arange(len(rows)) % 3 == 0)
    before = made.predict_proba(rows)
    round_forest(made, rows)
    np.testing.assert_allclose(made.predict_proba(rows), before, rtol=0, atol=1e-15)
