"""Trees over rows that are crossed: each part of a row settles once which leaves its splits leave open.

A split that sends a row right closes the leaves to its left; of those that no split closes, the leftmost is the row's,
in whatever order splits are looked at (QuickScorer: Lucchese et al., SIGIR 2015). So the leaves that a user leaves open
are found once a user, those of an offer once an offer, and a pair's are what both leave open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.serving.calibrators import sigmoids
from models.serving.compact_trees import ON_CATEGORY, Tree, TreeEnsemble
from models.serving.errors import EngineError
from models.serving.types import Floats

WORDS = (np.uint8, np.uint16, np.uint32, np.uint64)
MOST_LEAVES = 64
ZERO = float(np.float32(1e-35))
"""Numbers this close to 0 are 0 where LightGBM takes zeros as missing."""
MISSING_LEFT, NOTHING, ZERO_AND_NAN = 2, 0, 1
"""LightGBM's bit of a decision, and what may count as missing."""
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
        most = max(sizes, default=0)
        if not 1 <= most <= MOST_LEAVES:
            raise EngineError(f"quickscorer: expected trees of 1 to {MOST_LEAVES} leaves, got {most}")
        word = next(word for word in WORDS if most <= np.iinfo(word).bits)
        self._n_trees, self._output = len(sizes), ensemble.output
        self._leaves = _exactly_added([tree.leaf for tree in ensemble.trees])
        self._first_leaf = np.cumsum([0, *sizes[:-1]])
        self._every: LeafSets = np.full(len(sizes), np.iinfo(word).max, word)
        splits: dict[tuple[int, int], list[_Split]] = defaultdict(list)
        for number, tree in enumerate(ensemble.trees):
            for split in _splits(number, tree):
                splits[split.column, split.kind].append(split)
        self._tables: dict[int, list[_Table]] = defaultdict(list)
        for (column, _), of_column in splits.items():
            self._tables[column].append(_Table(of_column, self._every))

    def open_leaves(self, columns: Sequence[int], values: Floats) -> LeafSets:
        """Find the leaves that some columns leave open.

        Parameters
        ----------
        columns : sequence of int
            Positions of encoded columns.
        values : ndarray of shape (n_rows, n_columns)
            What rows hold in them.
        """
        found = np.tile(self._every, (len(values), 1))
        for start in range(0, len(values), ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            for column, numbers in zip(columns, np.ascontiguousarray(values[some].T), strict=True):
                for table in self._tables.get(column, ()):
                    found[some] &= np.take(table.open, table.rows(numbers), axis=0, mode="clip")
        return found

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
    column: int
    decision: int
    threshold: float
    codes: Bools
    """Whether each code goes left, where it splits on a category."""
    closed: int
    """The leaves on its left, which it closes to what it sends right."""

    @property
    def kind(self) -> int:
        """Bits that tell categories from numbers, and what is missing; all splits on a column share them."""
        return self.decision & ~MISSING_LEFT


def _splits(number: int, tree: Tree) -> Iterator[_Split]:
    below, left_of = [0] * len(tree.column), [0] * len(tree.column)
    for split in reversed(range(len(below))):
        left_of[split], right_of = (
            below[child] if child >= 0 else 1 << ~child for child in (int(tree.left[split]), int(tree.right[split]))
        )
        below[split] = left_of[split] | right_of
    columns, decisions, thresholds = tree.column.tolist(), tree.decision.tolist(), tree.threshold.tolist()
    codes = (np.unpackbits(np.array(words or (), "<u4").view(np.uint8), bitorder="little") for words in tree.members)
    for column, decision, threshold, left, closed in zip(columns, decisions, thresholds, codes, left_of, strict=True):
        yield _Split(number, column, decision, threshold, left.astype(bool), closed)


class _Table:
    """The leaves that splits on a column leave open, for each kind of number that they tell apart.

    Parameters
    ----------
    splits : sequence of _Split
    every : ndarray of shape (n_trees,)
        All leaves.
    """

    def __init__(self, splits: Sequence[_Split], every: LeafSets) -> None:
        kind = splits[0].kind
        self._on_category, self._missing = bool(kind & ON_CATEGORY), kind >> 2
        self._thresholds = np.unique([*(split.threshold for split in splits), np.inf])
        self._n_codes = max(len(split.codes) for split in splits)
        n_kinds = self._n_codes + 1 if self._on_category else len(self._thresholds) + 1
        self.open: LeafSets = np.tile(every, (n_kinds, 1))
        for split in splits:
            closed = every.dtype.type(split.closed)
            self.open[~self._goes_left(split, n_kinds), split.tree] &= ~closed

    def _goes_left(self, split: _Split, n_kinds: int) -> Bools:
        left = np.zeros(n_kinds, bool)
        if self._on_category:
            left[: len(split.codes)] = split.codes
        else:
            left[: len(self._thresholds)] = self._thresholds <= split.threshold
            left[-1] = split.decision & MISSING_LEFT
        return left

    def rows(self, numbers: Floats) -> Rows:
        """Give the row of each number: its code's, or that of the first threshold that it does not pass."""
        if self._on_category:
            known = (numbers >= 0) & (numbers < self._n_codes)
            return np.where(known, numbers, self._n_codes).astype(np.int64)
        if self._missing == NOTHING:
            numbers = np.where(np.isnan(numbers), 0.0, numbers)
        if self._missing == ZERO_AND_NAN:
            numbers = np.where(np.abs(numbers) <= ZERO, np.nan, numbers)
        return np.searchsorted(self._thresholds, numbers)  # NaN comes after infinity, which is the last threshold


def _exactly_added(leaves: Sequence[Floats]) -> Floats:
    """Round the leaves of all trees to multiples of a power of two so large that no sum of them has more bits."""
    largest = sum(float(np.abs(leaf).max()) for leaf in leaves)
    grid = 2.0 ** (np.ceil(np.log2(max(largest, 1e-300))) - np.finfo(np.float64).nmant)
    return np.asarray(np.rint(np.concatenate(leaves) / grid) * grid)
