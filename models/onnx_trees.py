"""Tree ensembles as ONNX, in the operator ``ai.onnx.ml.TreeEnsemble`` (version 5), in float32 as ONNX tools do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.onnx_graph import tensor, to_model
from models.serving.compact_trees import ON_CATEGORY, Tree, TreeEnsemble
from models.serving.onnx_engine import INPUT
from models.serving.types import Floats
from models.tree_ensembles import rounded_down

AT_MOST, MEMBER = 0, 6
"""Modes of the operator: a number is at most the threshold; a code is one of a set."""
AVERAGE, SUM = 0, 1
GOES_LEFT, MISSING_BITS = 2, 12
TAKEN_AS_ZERO, NAN = 0, 8
"""What bits 2 and 3 of a decision say of NaN: it is taken as 0, or it goes where bit 1 says."""


def to_onnx(ensemble: TreeEnsemble) -> bytes:
    """Write an ensemble, boosted or averaged, as an ONNX model that gives probabilities of no click and click.

    Numbers are compared in float32: a threshold is rounded down, so that a float32 number lies on the side it did.

    Raises
    ------
    ValueError
        When a split takes 0 as missing.
    """
    from onnx import helper  # a second, and only training needs it

    sums = ensemble.output == "sigmoid"
    trees = helper.make_node(
        "TreeEnsemble",
        [INPUT],
        ["score" if sums else "click"],
        domain="ai.onnx.ml",
        aggregate_function=SUM if sums else AVERAGE,
        **_attributes(ensemble.trees),
    )
    nodes = [trees, helper.make_node("Sigmoid", ["score"], ["click"])] if sums else [trees]
    return to_model(nodes, [], ensemble.n_columns)


def _attributes(trees: Sequence[Tree]) -> dict[str, Any]:
    trees = [tree if len(tree.column) else _with_a_split(tree) for tree in trees]
    decision = np.concatenate([tree.decision for tree in trees])
    threshold = np.concatenate([tree.threshold for tree in trees])
    members = [words for tree in trees for words in tree.members if words is not None]
    first_split = np.cumsum([0, *(len(tree.column) for tree in trees)])
    first_leaf = np.cumsum([0, *(len(tree.leaf) for tree in trees)])
    left, right = (_children(trees, side, first_split, first_leaf) for side in ("left", "right"))
    on_category = (decision & ON_CATEGORY) == 1
    attributes = {
        "n_targets": 1,
        "tree_roots": first_split[:-1].tolist(),
        "nodes_featureids": np.concatenate([tree.column for tree in trees]).tolist(),
        "nodes_modes": tensor(np.where(on_category, MEMBER, AT_MOST).astype(np.uint8)),
        "nodes_splits": tensor(np.where(on_category, 0, rounded_down(threshold)).astype(np.float32)),
        "nodes_truenodeids": left[0],
        "nodes_trueleafs": left[1],
        "nodes_falsenodeids": right[0],
        "nodes_falseleafs": right[1],
        "nodes_missing_value_tracks_true": _missing_goes_left(decision, threshold, on_category),
        "leaf_targetids": [0] * int(first_leaf[-1]),
        "leaf_weights": tensor(np.concatenate([tree.leaf for tree in trees]).astype(np.float32)),
    }
    if members:
        attributes["membership_values"] = tensor(np.concatenate([[*_codes(words), np.nan] for words in members]))
    return attributes


def _with_a_split(tree: Tree) -> Tree:
    """Give a tree of one leaf the split that the operator wants."""
    none, zero = np.zeros(1, dtype=np.int64), np.zeros(1)
    return Tree(none, none, zero, (None,), ~none, ~none, tree.leaf)


def _children(
    trees: Sequence[Tree], side: str, first_split: NDArray[Any], first_leaf: NDArray[Any]
) -> tuple[list[int], list[int]]:
    """Give the number of each child among all splits or all leaves, and which of both it is."""
    child = np.concatenate([getattr(tree, side) for tree in trees])
    sizes = [len(tree.column) for tree in trees]
    is_leaf = child < 0
    number = np.where(is_leaf, ~child + np.repeat(first_leaf[:-1], sizes), child + np.repeat(first_split[:-1], sizes))
    return number.tolist(), is_leaf.astype(np.int64).tolist()


def _missing_goes_left(decision: NDArray[np.int64], threshold: Floats, on_category: NDArray[np.bool_]) -> list[int]:
    kind = decision & MISSING_BITS
    if np.any(~on_category & (kind != TAKEN_AS_ZERO) & (kind != NAN)):
        raise ValueError("expected splits that take NaN as missing, or nothing; got one that takes 0 as missing")
    left = np.where(kind == NAN, (decision & GOES_LEFT) != 0, threshold >= 0)
    gone: list[int] = (left & ~on_category).astype(np.int64).tolist()
    return gone


def _codes(words: Sequence[int]) -> list[int]:
    """Give the codes whose bits are set."""
    return [32 * at + bit for at, word in enumerate(words) for bit in range(32) if word >> bit & 1]
