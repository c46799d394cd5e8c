"""Rounds a fitted forest so that it takes fewer bytes, and hardly changes what it says.

A split parts the rows that its tree learned from in the same way wherever its threshold lies between the two values
next to it. scikit-learn takes the middle: thresholds that no two splits share, with all digits. Here the splits of a
column share as few thresholds as they can, each as short as it can be, and no row that a tree learned from changes
sides. Leaves are rounded to 255 steps between a tree's lowest and highest.

The forest itself is rounded, in place: its pickle and its serving format are the same model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from models.serving.types import Floats
from models.tree_ensembles import leaf_grid, to_steps

LEAF_STEPS = 255
SINGLE_DIGITS = 24
"""Binary digits of a float32."""


def round_forest(forest: RandomForestClassifier, rows: NDArray[np.float32]) -> None:
    """Round thresholds and leaves of a forest of two classes, in place.

    Parameters
    ----------
    forest : RandomForestClassifier
        Fitted on ``rows``.
    rows : ndarray of shape (n_rows, n_columns)
        Numbers, none of them NaN.
    """
    trees = [estimator.tree_ for estimator in forest.estimators_]
    splits = [np.flatnonzero(tree.children_left >= 0) for tree in trees]
    learned_from = (rows[np.unique(drawn)] for drawn in forest.estimators_samples_)
    margins = [_margins(tree, of_tree) for tree, of_tree in zip(trees, learned_from, strict=True)]
    low, high = np.concatenate([margin[:, of_tree] for margin, of_tree in zip(margins, splits, strict=True)], axis=1)
    column = np.concatenate([tree.feature[of_tree] for tree, of_tree in zip(trees, splits, strict=True)])
    threshold = np.empty(len(column))
    for here in (np.flatnonzero(column == one) for one in np.unique(column)):
        threshold[here] = _shared(low[here], high[here])
    ends = np.cumsum([len(of_tree) for of_tree in splits])[:-1]
    for tree, of_tree, rounded in zip(trees, splits, np.split(threshold, ends), strict=True):
        tree.threshold[of_tree] = rounded
        _round_leaves(tree)


def _margins(tree: Any, rows: NDArray[np.float32]) -> Floats:
    """Give the greatest value that goes left and the least that goes right, of shape (2, n_nodes)."""
    path = tree.decision_path(rows)
    row = np.repeat(np.arange(len(rows)), np.diff(path.indptr))
    parted = tree.children_left[path.indices] >= 0
    node, row = path.indices[parted], row[parted]
    value = rows[row, tree.feature[node]].astype(np.float64)
    left = value <= tree.threshold[node]
    low, high = np.full((2, tree.node_count), [[-np.inf], [np.inf]])
    np.maximum.at(low, node[left], value[left])
    np.minimum.at(high, node[~left], value[~left])
    return np.stack([low, high])


def _shared(low: Floats, high: Floats) -> Floats:
    """Give a threshold within each margin, its high end not included; as few different ones as there can be."""
    group = np.empty(len(low), dtype=np.int64)
    starts: list[float] = []
    ends: list[float] = []
    for at in np.argsort(high, kind="stable"):  # a margin that begins before the group's first end joins the group
        if not ends or low[at] >= ends[-1]:
            starts.append(low[at])
            ends.append(high[at])
        starts[-1] = max(starts[-1], low[at])
        group[at] = len(ends) - 1
    return _shortest(np.array(starts), np.array(ends))[group]


def _shortest(low: Floats, high: Floats) -> Floats:
    """Give the number of the fewest binary digits within each margin, its high end not included."""
    fraction, exponent = np.frexp(low / 2 + high / 2)
    shortest = low.copy()
    for digits in range(SINGLE_DIGITS, 0, -1):
        rounded = np.ldexp(np.rint(np.ldexp(fraction, digits)), exponent - digits)
        np.copyto(shortest, rounded, where=(low <= rounded) & (rounded < high))
    return np.where((low <= 0) & (high > 0), 0, shortest)


def _round_leaves(tree: Any) -> None:
    """Round the share of clicks in each leaf; in as many steps as a byte has."""
    leaf = tree.children_left < 0
    share = tree.value[leaf, 0, 1] / tree.value[leaf, 0].sum(axis=1)
    low, step = leaf_grid(share, LEAF_STEPS)
    share = low + to_steps(share, low, step, LEAF_STEPS) * step
    tree.value[leaf, 0, 1], tree.value[leaf, 0, 0] = share, 1 - share
