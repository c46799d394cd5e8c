"""Scores of users crossed with their offers: by trees that read them in parts, or by any engine that reads rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from jobs.pair_parts import BatchParts, Offers, PairParts, Pairs
from models.quickscorer import QuickScorer
from models.serving.scorer import Scorer
from models.serving.types import Floats

ROWS, PAIRS = 2_048, 16_384
"""About how many rows are put together, or pairs scored, at a time: few enough for a cache."""

Predict: TypeAlias = Callable[[Pairs], Floats]


class PairScorer:
    """Gives the calibrated click probability of users for their offers.

    Parameters
    ----------
    scorer : Scorer
    trees : QuickScorer or None
        The scorer's trees; None for those that its engine alone can score.
    """

    def __init__(self, scorer: Scorer, trees: QuickScorer | None = None) -> None:
        self.scorer, self._trees = scorer, trees

    def scores(
        self, offers: Offers, batches: Iterator[pa.RecordBatch]
    ) -> Iterator[tuple[pa.RecordBatch, Pairs, Floats]]:
        """Score batches of ``Parts.users``; gives the batch, some of its pairs, and a probability for each.

        Raises
        ------
        RowError
            See `PairParts`.
        """
        pair_parts = PairParts(self.scorer.encoder, offers)
        for batch in batches:
            parts = pair_parts.of_batch(batch)
            if self._trees is None:
                predict, at_once = by_rows(self.scorer, parts), ROWS
            else:
                predict, at_once = by_trees(self._trees, parts), PAIRS
            for pairs in parts.pairs(at_once):
                yield batch, pairs, self.scorer.calibrator.apply(predict(pairs))


def by_rows(scorer: Scorer, parts: BatchParts) -> Predict:
    """Put whole rows together for the scorer's engine."""
    n_columns = len(scorer.encoder.columns)
    return lambda pairs: scorer.engine.predict(encoded_rows(parts, pairs, n_columns))


def by_trees(trees: QuickScorer, parts: BatchParts) -> Predict:
    """Find what each part settles; what is left for pairs is to put that together."""
    open_leaves = [trees.open_leaves(part.columns, part.values) for part in parts.parts]
    return lambda pairs: trees.predict([*zip(open_leaves, pairs.rows, strict=True)], len(pairs.users))


def encoded_rows(parts: BatchParts, pairs: Pairs, n_columns: int) -> Floats:
    """Put encoded rows of shape (n_pairs, n_columns) together."""
    rows = np.empty((len(pairs.users), n_columns))
    for part, at in zip(parts.parts, pairs.rows, strict=True):
        rows[:, part.columns] = part.values[at]
    return rows
