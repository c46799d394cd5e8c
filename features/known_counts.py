"""Sparse counts of many users at many midnights, in numpy: each request sums the cells of its user known by then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.int64]

ROWS_SCHEMA = "user_id string, as_of date, token_ids array<int>, counts array<bigint>"
"""What ``count_rows`` gives."""

CELLS_AT_ONCE = 4_000_000
"""Cells that are summed in one step; bounds memory, changes nothing."""


def count_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Turn requests and cells, sorted by user, into one sparse row a request.

    Parameters
    ----------
    batches : iterator of RecordBatch
        ``user_id``; ``as_of`` (date; null for a cell); ``known`` (date), ``token_id``, ``count`` (null for a request).
        All rows of a user follow each other, in any order.

    Returns
    -------
    iterator of RecordBatch
        ``ROWS_SCHEMA``: token ids ascend, counts are of cells with ``known`` before ``as_of``. Requests without any
        have no row.
    """
    for table in _whole_users(batches):
        yield from _rows_of(table)


def _whole_users(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Cut the stream between users: the last user of a batch waits for the next one."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        users = batch.column("user_id")
        first_of_last = batch.num_rows - pc.sum(pc.equal(users, users[-1])).as_py()
        if first_of_last or (waiting and waiting[-1].column("user_id")[-1] != users[-1]):
            yield pa.Table.from_batches([*waiting, batch.slice(0, first_of_last)])
            waiting = []
        waiting.append(batch.slice(first_of_last))
    if waiting:
        yield pa.Table.from_batches(waiting)


def _rows_of(table: pa.Table) -> Iterator[pa.RecordBatch]:
    users = table.column("user_id").combine_chunks()
    changes = pc.not_equal(users[1:], users[:-1]).to_numpy(zero_copy_only=False)
    user = np.concatenate([[0], np.cumsum(changes)])
    is_request = table.column("as_of").is_valid().to_numpy()
    asked, cells = table.filter(pa.array(is_request)), table.filter(pa.array(~is_request))
    as_of, known = _days(asked.column("as_of")), _days(cells.column("known"))
    order = np.lexsort((known, user[~is_request]))
    known, owner = known[order], user[~is_request][order]
    tokens, counts = (cells.column(name).to_numpy()[order].astype(np.int64) for name in ("token_id", "count"))
    width = int(tokens.max(initial=-1)) + 1
    by_cell = sp.csr_matrix((counts, tokens, np.arange(len(tokens) + 1)), shape=(len(tokens), width))
    # Both are ascending in (user, day), so a request's cells are one range.
    first_day, span = min(known.min(initial=0), as_of.min(initial=0)), 1 << 32
    place = owner * span + (known - first_day)
    owner_of_request = user[is_request]
    start = np.searchsorted(place, owner_of_request * span)
    end = np.searchsorted(place, owner_of_request * span + (as_of - first_day))
    for rows in _portions(end - start):
        summed = _ranges(start[rows], end[rows], len(tokens)) @ by_cell
        summed.sort_indices()
        yield _as_batch(asked.slice(rows.start, rows.stop - rows.start), summed)


def _days(column: pa.ChunkedArray) -> Integers:
    return np.asarray(column.cast(pa.int32()), dtype=np.int64)


def _portions(lengths: Integers) -> Iterator[slice]:
    """Cut requests into runs of at most ``CELLS_AT_ONCE`` cells, or of one request."""
    begin, total = 0, np.concatenate([[0], np.cumsum(lengths)])
    while begin < len(lengths):
        end = max(begin + 1, int(np.searchsorted(total, total[begin] + CELLS_AT_ONCE, side="right")) - 1)
        yield slice(begin, end)
        begin = end


def _ranges(start: Integers, end: Integers, width: int) -> sp.csr_matrix:
    """Give the matrix whose row i is 1 from ``start[i]`` to ``end[i]``, not included."""
    lengths = end - start
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    columns = np.arange(offsets[-1]) + np.repeat(start - offsets[:-1], lengths)
    return sp.csr_matrix((np.ones(len(columns), dtype=np.int64), columns, offsets), shape=(len(start), width))


def _as_batch(asked: pa.Table, summed: sp.csr_matrix) -> pa.RecordBatch:
    held = np.diff(summed.indptr) > 0
    offsets = pa.array(np.concatenate([[0], summed.indptr[1:][held]]).astype(np.int32))
    lists = (
        pa.ListArray.from_arrays(offsets, pa.array(flat))
        for flat in (summed.indices.astype(np.int32), summed.data.astype(np.int64))
    )
    keys = asked.select(["user_id", "as_of"]).filter(pa.array(held)).combine_chunks()
    columns = [column.combine_chunks() for column in keys.columns]
    return pa.RecordBatch.from_arrays([*columns, *lists], ["user_id", "as_of", "token_ids", "counts"])
