"""Learning from blocks of rows that are read anew for each pass, so that all rows need not fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from models.autoencoder.measures import fvu_of, measure
from models.autoencoder.warm_start import LastVersion

if TYPE_CHECKING:
    from models.autoencoder.estimator import Autoencoder


class Block(NamedTuple):
    """Some rows, as `models.autoencoder.estimator.Autoencoder.partial_fit` takes them."""

    counts: sp.csr_matrix
    """Raw counts, shape (n_rows, n_tokens)."""
    labels: npt.NDArray[np.int64] | None
    """Clicks and sends of each row, shape (n_rows, 2); null where clicks are not told."""


def fit_blocks(
    estimator: Autoencoder,
    read: Callable[[], Iterable[Block]],
    held_out: sp.csr_matrix,
    *,
    last: LastVersion | None = None,
    blocks: Sequence[str] | None = None,
) -> Autoencoder:
    """Learn as `fit` does, from one block after the other.

    Not to the bit what `fit` learns of the same rows: the scaling, and the units that losses are measured in, are those
    of the first block, and rows are shuffled within a block only. So blocks should be random samples. Training stops,
    and goes back to the best pass, by held-out FVU alone, also where clicks are told.

    Parameters
    ----------
    estimator : Autoencoder
        Not fitted yet; becomes what is learned. `history_` and `n_iter_` count passes over all blocks.
    read : callable
        Gives all blocks, the same each time.
    held_out : csr_matrix of shape (n_rows, n_tokens)
        Raw counts of rows that are in no block.
    last : LastVersion, optional
        See `fit`.
    blocks : sequence of str, optional
        See `fit`.

    Raises
    ------
    ValueError
        See `fit`; without any block, too.
    """
    history: list[float] = []
    best, best_pass, learned = float("inf"), 0, dict[str, npt.NDArray[np.float32]]()
    for number in range(1, estimator.max_epochs + 1):
        history.append(_pass(estimator, read, held_out, last if number == 1 else None))
        if estimator.on_epoch:
            estimator.on_epoch(number, history[-1])
        if history[-1] < best - estimator.tol:
            best, best_pass = history[-1], number
            learned = {name: getattr(estimator, name) for name in estimator.learned}
        elif number - best_pass >= estimator.patience:
            break
    estimator.restore(learned)
    estimator.history_, estimator.n_iter_ = history, len(history)
    estimator.measures_ = measure(estimator, held_out, blocks)
    return estimator


def _pass(
    estimator: Autoencoder, read: Callable[[], Iterable[Block]], held_out: sp.csr_matrix, last: LastVersion | None
) -> float:
    """Go through all blocks once; give held-out FVU."""
    n_blocks = 0
    for n_blocks, block in enumerate(read(), 1):
        estimator.partial_fit(block.counts, block.labels, last=last if n_blocks == 1 else None)
    if n_blocks == 0:
        raise ValueError("expected at least 1 block of rows, got 0")
    return fvu_of(estimator, held_out)
