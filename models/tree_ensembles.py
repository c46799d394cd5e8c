"""Fitted tree ensembles of LightGBM and scikit-learn as `TreeEnsemble`, and from there into the compact format."""

from __future__ import annotations

import json
import lzma
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from models.serving.compact_trees import FILTERS, MAGIC, ON_CATEGORY, Integers, Tree, TreeEnsemble
from models.serving.types import Floats

OUTPUTS = {("binary sigmoid:1", False): "sigmoid", ("regression", True): "mean"}
"""LightGBM's objective, and whether it averages its trees -> what a `TreeEnsemble` does with leaves."""
LEAF_STEPS = {2**8 - 1: "u1", 2**16 - 1: "<u2"}
"""Steps between the lowest and the highest leaf of a tree -> their type; the first that loses nothing, or the last."""
AS_IT_WAS = 1e-12


def from_lightgbm(text: str) -> TreeEnsemble:
    """Read LightGBM's text format, numeric and categorical splits, constant leaves.

    Raises
    ------
    ValueError
        When it is neither a binary classifier nor a forest that averages the shares of its leaves.
    """
    header, *blocks = text.split("\nTree=")
    fields = _fields(header)
    kind = fields["objective"], "average_output" in header.splitlines()
    if kind not in OUTPUTS:
        raise ValueError(f"expected a model of {' or '.join(map(_said, OUTPUTS))}, got {_said(kind)}")
    trees = tuple(_lightgbm_tree(_fields(block)) for block in blocks)
    return TreeEnsemble(trees, int(fields["max_feature_idx"]) + 1, OUTPUTS[kind], single=False)


def from_forest(forest: RandomForestClassifier) -> TreeEnsemble:
    """Read a fitted scikit-learn forest of two classes; leaves hold the share of clicks.

    It compares numbers in float32, so its thresholds need no more digits.
    """
    trees = tuple(_forest_tree(estimator.tree_) for estimator in forest.estimators_)
    return TreeEnsemble(trees, forest.n_features_in_, "mean", single=True)


def columns_read(ensemble: TreeEnsemble) -> list[int]:
    """Give the columns on which some tree splits, ascending."""
    return sorted({int(column) for tree in ensemble.trees for column in tree.column})


def of_columns(ensemble: TreeEnsemble, columns: Sequence[int] | None) -> TreeEnsemble:
    """Give the ensemble for rows that hold these columns alone, ascending; None for all that there are."""
    if columns is None:
        return ensemble
    trees = (replace(tree, column=np.searchsorted(columns, tree.column).astype(np.int64)) for tree in ensemble.trees)
    return replace(ensemble, trees=tuple(trees), n_columns=len(columns))


def to_compact(ensemble: TreeEnsemble) -> bytes:
    """Write the format that `models.serving.compact_trees` describes; only leaves are rounded."""
    trees = ensemble.trees
    column, decision, threshold = (
        np.concatenate([getattr(tree, name) for tree in trees]) for name in ("column", "decision", "threshold")
    )
    members = [words for tree in trees for words in tree.members]
    on_category = (decision & ON_CATEGORY) == 1
    place = np.zeros(len(column), dtype=np.int64)
    tables = []
    for of_column in range(ensemble.n_columns):
        here = (column == of_column) & ~on_category
        table, place[here] = np.unique(threshold[here], return_inverse=True)
        tables.append(table)
    sets = sorted({words for words in members if words is not None})
    number_of = {words: number for number, words in enumerate(sets)}
    place[on_category] = [number_of[words] for words in members if words is not None]
    steps = next((steps for steps in LEAF_STEPS if all(_is_on(tree.leaf, steps) for tree in trees)), max(LEAF_STEPS))
    grids = [leaf_grid(tree.leaf, steps) for tree in trees]
    leaf = np.concatenate([to_steps(tree.leaf, *grid, steps) for tree, grid in zip(trees, grids, strict=True)])
    by_column = np.argsort(column, kind="stable")
    arrays = {
        "shape": np.packbits(np.concatenate([_shape(tree) for tree in trees]), bitorder="little"),
        "column": _smallest(column),
        "decision": decision[by_column].astype(np.uint8),
        "place": _smallest(place[by_column]),
        "thresholds": _smallest(np.array([len(table) for table in tables], dtype=np.int64)),
        **_kept(np.concatenate(tables)),
        "words": _smallest(np.array([len(words) for words in sets], dtype=np.int64)),
        "bits": np.array([word for words in sets for word in words], dtype="<u4"),
        "leaf": leaf.astype(LEAF_STEPS[steps]),
        "low": _smallest_float(np.array([low for low, _ in grids])),
        "step": _smallest_float(np.array([step for _, step in grids])),
    }
    header = {
        "columns": ensemble.n_columns,
        "output": ensemble.output,
        "single": ensemble.single,
        "arrays": [[name, array.dtype.str, len(array)] for name, array in arrays.items()],
    }
    told = json.dumps(header, separators=(",", ":")).encode()
    streams = _stream(told) + b"".join(_stream(_planes(array)) for array in arrays.values() if len(array))
    return MAGIC + zlib.crc32(streams).to_bytes(4, "little") + streams


def _stream(content: bytes) -> bytes:
    return lzma.compress(content, lzma.FORMAT_RAW, filters=FILTERS)


def _planes(array: NDArray[Any]) -> bytes:
    """Give the first byte of each number, then the second, and so on."""
    return array.view(np.uint8).reshape(len(array), -1).T.tobytes()


def leaf_grid(leaf: Floats, steps: int) -> tuple[float, float]:
    """Give the lowest leaf and the size of a step to the highest; a step of 0 where all are equal.

    Both are float32, unless leaves lie so close beside their level that float32 would move them by half a step.
    """
    low, high = float(leaf.min()), float(leaf.max())
    if high <= low:
        return low, 0.0
    step = (high - low) / steps
    with np.errstate(over="ignore"):  # beyond float32 is infinity, which moves them too far
        short = float(np.float32(low)), float(np.float32(step))
    moved = max(abs(short[0] - low), abs(short[0] + short[1] * steps - high))
    return short if moved <= step / 4 else (low, step)


def to_steps(leaf: Floats, low: float, step: float, steps: int) -> Integers:
    """Give each leaf's place on the grid, 0 to ``steps``: low + place * step is the leaf, but for a step at most."""
    if step <= 0:
        return np.zeros(len(leaf), np.int64)
    return np.clip(np.rint((leaf - low) / step), 0, steps).astype(np.int64)


def rounded_down(threshold: Floats) -> NDArray[np.float32]:
    """Round thresholds to float32, never up: every float32 number lies on the side that it did."""
    with np.errstate(over="ignore"):
        single = threshold.astype(np.float32)
    return np.where(single > threshold, np.nextafter(single, np.float32(-np.inf)), single)


def _said(kind: tuple[str, bool]) -> str:
    objective, averages = kind
    return f"objective {objective!r}{', averaged' if averages else ''}"


def _fields(block: str) -> dict[str, str]:
    lines = (line.partition("=") for line in block.splitlines())
    return {name: value for name, equals, value in lines if equals}


def _lightgbm_tree(fields: Mapping[str, str]) -> Tree:
    if fields.get("is_linear", "0") != "0":
        raise ValueError("expected constant leaves, got a linear tree")
    leaf = np.array(fields["leaf_value"].split(), dtype=np.float64)
    splits = {
        name: np.array(fields.get(key, "").split(), dtype=np.int64)
        for name, key in {
            "column": "split_feature",
            "decision": "decision_type",
            "left": "left_child",
            "right": "right_child",
        }.items()
    }
    threshold = np.array(fields.get("threshold", "").split(), dtype=np.float64)
    words = [int(word) for word in fields.get("cat_threshold", "").split()]
    ends = [int(end) for end in fields.get("cat_boundaries", "0").split()]
    members: list[tuple[int, ...] | None] = [None] * len(threshold)
    for split in np.flatnonzero(splits["decision"] & ON_CATEGORY):
        at = int(threshold[split])
        members[split], threshold[split] = tuple(words[ends[at] : ends[at + 1]]), np.nan
    return _in_preorder({**splits, "threshold": threshold, "members": members}, leaf)


def _forest_tree(tree: Any) -> Tree:
    splits, leaves = np.flatnonzero(tree.children_left >= 0), np.flatnonzero(tree.children_left < 0)
    number = np.empty(tree.node_count, dtype=np.int64)
    number[splits], number[leaves] = np.arange(len(splits)), ~np.arange(len(leaves))
    share = tree.value[leaves, 0, :]
    return _in_preorder(
        {
            "column": tree.feature[splits].astype(np.int64),
            "decision": np.zeros(len(splits), dtype=np.int64),
            "threshold": rounded_down(tree.threshold[splits]).astype(np.float64),
            "members": [None] * len(splits),
            "left": number[tree.children_left[splits]],
            "right": number[tree.children_right[splits]],
        },
        share[:, 1] / share.sum(axis=1),
    )


def _in_preorder(splits: Mapping[str, Any], leaf: Floats) -> Tree:
    """Give the tree with its splits and leaves numbered as a walk from the root meets them, left before right."""
    walk = list(_walk(splits["left"], splits["right"]))
    old_splits = np.array([node for node in walk if node >= 0], dtype=np.int64)
    old_leaves = np.array([~node for node in walk if node < 0], dtype=np.int64)
    new_split, new_leaf = np.argsort(old_splits), np.argsort(old_leaves)

    def renumbered(children: Integers) -> Integers:
        moved = children[old_splits]
        return np.asarray(np.where(moved >= 0, new_split[np.maximum(moved, 0)], ~new_leaf[np.maximum(~moved, 0)]))

    return Tree(
        column=splits["column"][old_splits],
        decision=splits["decision"][old_splits],
        threshold=splits["threshold"][old_splits],
        members=tuple(splits["members"][split] for split in old_splits),
        left=renumbered(splits["left"]),
        right=renumbered(splits["right"]),
        leaf=leaf[old_leaves],
    )


def _walk(left: Integers, right: Integers) -> Iterator[int]:
    """Give splits as they are and leaves as ``~leaf``, in preorder; a tree without a split is leaf 0."""
    stack = [0 if len(left) else ~0]
    while stack:
        node = stack.pop()
        yield node
        if node >= 0:
            stack += (int(right[node]), int(left[node]))


def _shape(tree: Tree) -> NDArray[np.uint8]:
    return np.array([node >= 0 for node in _walk(tree.left, tree.right)], dtype=np.uint8)


def _is_on(leaf: Floats, steps: int) -> bool:
    """Say whether a tree's leaves lie on their grid already."""
    low, step = leaf_grid(leaf, steps)
    return bool(np.abs(low + to_steps(leaf, low, step, steps) * step - leaf).max() <= AS_IT_WAS)


def _kept(thresholds: Floats) -> dict[str, NDArray[Any]]:
    """Keep each threshold in the smallest form that loses nothing."""
    below = np.nextafter(thresholds, -np.inf)
    with np.errstate(over="ignore"):  # beyond float32 is infinity, which equals no threshold
        fits, fits_below = thresholds.astype("<f4") == thresholds, below.astype("<f4") == below
    kind = np.where(fits, 0, np.where(fits_below, 1, 2)).astype(np.uint8)
    narrow = np.where(kind == 0, thresholds, below)[kind < 2].astype("<f4")
    return {"kind": kind, "exact": narrow, "wide": thresholds[kind == 2].astype("<f8")}


def _smallest_float(values: Floats) -> NDArray[Any]:
    single = values.astype("<f4")
    return single if np.array_equal(single, values) else values.astype("<f8")


def _smallest(values: Integers) -> NDArray[Any]:
    dtype = next(dtype for dtype in ("<u1", "<u2", "<u4") if values.max(initial=0) <= np.iinfo(dtype).max)
    return values.astype(dtype)
