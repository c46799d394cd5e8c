"""Sparse counts of many users at many midnights, in numpy: each request sums the cells of its user known by then."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from features.user_streams import Batches, Known, known_rows

ROWS_SCHEMA = "user_id string, as_of date, token_ids array<int>, counts array<bigint>"
"""What ``count_rows`` gives."""


def count_rows(batches: Batches) -> Batches:
    """Turn requests and cells, sorted by user, into one sparse row a request.

    Parameters
    ----------
    batches : iterator of RecordBatch
        See ``features.user_streams.known_rows``; cells have ``token_id`` and ``count``.

    Returns
    -------
    iterator of RecordBatch
        ``ROWS_SCHEMA``: token ids ascend, counts are of cells with ``known`` before ``as_of``. Requests without any
        have no row.
    """
    for known in known_rows(batches):
        summed = summed_cells(known)
        summed.sort_indices()
        yield _as_batch(known.asked, summed)


def summed_cells(known: Known) -> sp.csr_matrix:
    """Sum the ``count`` of each request's known cells by ``token_id``; a row a request."""
    tokens, counts = (known.rows.column(name).to_numpy().astype(np.int64) for name in ("token_id", "count"))
    width = int(tokens.max(initial=-1)) + 1
    by_cell = sp.csr_matrix((counts, tokens, np.arange(len(tokens) + 1)), shape=(len(tokens), width))
    _, cells = known.places()
    offsets = np.concatenate([[0], np.cumsum(known.lengths)])
    ones = np.ones(len(cells), dtype=np.int64)
    return sp.csr_matrix((ones, cells, offsets), shape=(len(offsets) - 1, len(tokens))) @ by_cell


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
