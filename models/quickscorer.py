"""Trees over rows that are crossed: each part of a row settles once which leaves its splits leave open.

A split that sends a row right closes the leaves to its left; of those that no split closes, the leftmost is the row's,
in whatever order splits are looked at (QuickScorer: Lucchese et al., SIGIR 2015). So the leaves that a user leaves open
are found once a user, those of an offer once an offer, and a pair's are what both leave open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.serving.calibrators import sigmoids
from models.serving.compact_trees import Tree, TreeEnsemble
from models.serving.errors import EngineError
from models.serving.types import Floats

WORDS = (np.uint8, np.uint16, np.uint32, np.uint64)
MOST_LEAVES = 64
ZERO = float(np.float32(1e-35))
"""Numbers this close to 0 are 0 where LightGBM takes zeros as missing."""
ROWS_AT_ONCE = 512
"""Few enough for a cache."""
MANTISSA, BIAS = 23, 127
"""Bits of a float32 below its exponent, and the exponent of 1."""

Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]
LeafSets: TypeAlias = NDArray[np.unsignedinteger[Any]]
"""Shape (n_rows, n_trees): the leaves that a row leaves open, a bit a leaf, the leftmost lowest."""


class QuickScorer:
    """An ensemble whose trees have up to 64 leaves.

    Leaves are rounded until sums of them are exact, in whatever order they are made, which moves a score by 1e-12 or
    so: it is the same in whatever company.

    Parameters
    ----------
    ensemble : TreeEnsemble
        One that compares in float64.

    Raises
    ------
    EngineError
        When a tree has more leaves.
    """

    def __init__(self, ensemble: TreeEnsemble) -> None:
        sizes = [len(tree.leaf) for tree in ensemble.trees]
        if max(sizes) > MOST_LEAVES:
            raise EngineError(f"quickscorer: expected trees of at most {MOST_LEAVES} leaves, got {max(sizes)}")
        self._word = next(word for word in WORDS if max(sizes) <= np.iinfo(word).bits)
        self._n_trees, self._output = len(sizes), ensemble.output
        self._leaves = _exactly_added([tree.leaf for tree in ensemble.trees])
        self._first_leaf = np.cumsum([0, *sizes[:-1]])
        self._splits: dict[int, list[_Split]] = defaultdict(list)
        for number, tree in enumerate(ensemble.trees):
            for column, split in zip(tree.column.tolist(), _splits(number, tree), strict=True):
                self._splits[column].append(split)

    def open_leaves(self, columns: Sequence[int], values: Floats) -> LeafSets:
        """Find the leaves that some columns leave open.

        Parameters
        ----------
        columns : sequence of int
            Positions of encoded columns.
        values : ndarray of shape (n_rows, n_columns)
            What rows hold in them.
        """
        every = self._word(np.iinfo(self._word).max)
        found: LeafSets = np.full((self._n_trees, len(values)), every)
        for column, numbers in zip(columns, np.ascontiguousarray(values.T), strict=True):
            for split in self._splits.get(column, ()):
                found[split.tree] &= np.where(split.sends_left(numbers), every, every ^ self._word(split.closed))
        return np.ascontiguousarray(found.T)

    def predict(self, parts: Sequence[tuple[LeafSets, Rows]], n_rows: int) -> Floats:
        """Score rows by the leaves that their parts leave open.

        Parameters
        ----------
        parts : sequence of (LeafSets, ndarray of shape (n_rows,))
            What `open_leaves` found for each part, at least one, and which of its rows each row has.
        n_rows : int

        Returns
        -------
        ndarray of shape (n_rows,)
            Probabilities before calibration.
        """
        total = np.empty(n_rows)
        for start in range(0, n_rows, ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            total[some] = self._added([(sets, rows[some]) for sets, rows in parts])
        return total / self._n_trees if self._output == "mean" else sigmoids(total)

    def _added(self, parts: Sequence[tuple[LeafSets, Rows]]) -> Floats:
        still_open, *others = (np.take(sets, rows, axis=0, mode="clip") for sets, rows in parts)
        for of_part in others:
            still_open &= of_part
        leftmost: NDArray[np.float32] = (still_open & -still_open).astype(np.float32)  # a power of two
        leaf = (leftmost.view(np.int32) >> MANTISSA) + (self._first_leaf - BIAS)
        added: Floats = np.take(self._leaves, leaf, mode="clip").sum(axis=1)
        return added


@dataclass(frozen=True)
class _Split:
    tree: int
    closed: int
    """The leaves on its left, which it closes to rows that it sends right."""
    decision: int
    threshold: float
    members: Bools | None
    """Whether each code goes left, where it splits on a category."""

    def sends_left(self, numbers: Floats) -> Bools:
        """Say which numbers go left, as LightGBM's library would."""
        if self.members is not None:
            codes = np.minimum(np.nan_to_num(numbers, nan=-1), len(self.members) - 1).astype(np.int64)
            return self.members[np.maximum(codes, -1)]
        missing, missing_left = self.decision >> 2 & 3, bool(self.decision & 2)
        left = numbers <= self.threshold
        is_missing = np.isnan(numbers)
        if missing == 0:
            return left | (is_missing & (self.threshold >= 0))
        if missing == 1:
            is_missing |= np.abs(numbers) <= ZERO
        return np.where(is_missing, missing_left, left)


def _splits(number: int, tree: Tree) -> Iterable[_Split]:
    below = [0] * len(tree.column)
    left_of = [0] * len(tree.column)
    for split in reversed(range(len(below))):
        left_of[split], right = (
            below[child] if child >= 0 else 1 << ~child for child in (int(tree.left[split]), int(tree.right[split]))
        )
        below[split] = left_of[split] | right
    for split, closed in enumerate(left_of):
        yield _Split(number, closed, int(tree.decision[split]), float(tree.threshold[split]), _members(tree, split))


def _members(tree: Tree, split: int) -> Bools | None:
    """Give whether each code is in a set; the last two stand for codes beyond it and for what is no code."""
    words = tree.members[split]
    if words is None:
        return None
    bits = np.unpackbits(np.array(words, "<u4").view(np.uint8), bitorder="little").astype(bool)
    return np.concatenate([bits, [False, False]])


def _exactly_added(leaves: Sequence[Floats]) -> Floats:
    """Round the leaves of all trees to multiples of a power of two so large that no sum of them has more bits."""
    largest = sum(float(np.abs(leaf).max()) for leaf in leaves)
    grid = 2.0 ** (np.ceil(np.log2(max(largest, 1e-300))) - np.finfo(np.float64).nmant)
    return np.asarray(np.rint(np.concatenate(leaves) / grid) * grid)
