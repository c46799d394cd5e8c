"""An embedding learned by one process: from rows in memory, or block by block from disk where they are too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.behaviour_sample import sample_of
from jobs.cli import say
from jobs.lake import Lake
from jobs.last_embedding import LastEmbedding, SinceLast
from jobs.stored_behaviour import BATCH_ROWS, StoredBehaviour
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.streaming import Block, fit_blocks

ORDER = ("user_id", "as_of")
SALT = "embedding"
"""Of the hash whose order is that of the rows on disk: users in random order, the rows of each together."""
MOST_HELD_OUT = 20_000
"""Held-out rows that are enough to stop by."""


def learn_alone(
    lake: Lake,
    rows: DataFrame,
    estimator: Autoencoder,
    last: LastEmbedding | None,
    *,
    blocks: Sequence[str],
    rows_in_memory: int | None = None,
) -> tuple[Autoencoder, SinceLast | None]:
    """Fit in this process.

    Parameters
    ----------
    lake : Lake
        Where more rows than may be in memory are kept meanwhile.
    rows : DataFrame
        See ``jobs.behaviour_sample.sample_rows``.
    last : LastEmbedding, optional
        What to compare with, and to start from where it is warm.
    blocks : sequence of str
        The block of each token, see ``models.autoencoder.measures.blocks_of``.
    rows_in_memory : int, optional
        Most rows that may be in memory at a time; all by default. Where there are no more, the same is learned as
        without it, to the bit.

    Raises
    ------
    ValueError
        See ``fit``.
    """
    if rows_in_memory is None:
        return _at_once(rows.orderBy(*ORDER).toArrow(), estimator, last, blocks)
    shuffled = rows.orderBy(F.xxhash64(F.lit(SALT), "user_id"), *ORDER)
    with lake.ordered_files(shuffled, group_rows=BATCH_ROWS) as files:
        stored = StoredBehaviour(files)
        if len(stored) <= rows_in_memory:
            return _at_once(stored.read().sort_by([(name, "ascending") for name in ORDER]), estimator, last, blocks)
        return _by_blocks(stored, estimator, last, blocks, rows_in_memory)


def _at_once(
    rows: pa.Table, estimator: Autoencoder, last: LastEmbedding | None, blocks: Sequence[str]
) -> tuple[Autoencoder, SinceLast | None]:
    counts, labels, users = sample_of(rows, len(blocks))
    estimator.fit(counts, labels, groups=users, last=last.start if last else None, blocks=blocks)
    return estimator, last.since(estimator, counts) if last else None


def _by_blocks(
    stored: StoredBehaviour,
    estimator: Autoencoder,
    last: LastEmbedding | None,
    blocks: Sequence[str],
    rows_in_memory: int,
) -> tuple[Autoencoder, SinceLast | None]:
    share = estimator.validation_fraction
    wanted = len(stored) * share if share else MOST_HELD_OUT  # without a share, they are learned from as well
    held_out = _held_out(stored, max(1, min(int(wanted), MOST_HELD_OUT, rows_in_memory // 2)))
    first, n_rows = (len(held_out) if share else 0), rows_in_memory - len(held_out)
    say(f"learning from {len(stored) - first:,} rows, {n_rows:,} at a time; {first:,} held out")

    def read() -> Iterator[Block]:
        for table in stored.blocks(n_rows, first=first):
            counts, labels, _ = sample_of(table, len(blocks))
            yield Block(counts, labels)

    counts = sample_of(held_out, len(blocks)).counts
    fit_blocks(estimator, read, counts, last=last.start if last else None, blocks=blocks)
    return estimator, last.since(estimator, counts) if last else None


def _held_out(stored: StoredBehaviour, n_rows: int) -> pa.Table:
    """Give the first rows, at most so many; no user has rows among them and behind them, unless it has all of them."""
    table = next(stored.blocks(n_rows + 1))
    users = table["user_id"].to_numpy()
    whole = int(np.flatnonzero(users == users[-1])[0])
    return table.slice(0, whole or n_rows)
