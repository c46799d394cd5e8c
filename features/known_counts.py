"""Sparse counts of many owners at many midnights, in numpy: each request sums the cells of its owner known by then."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from features.ascending import Integers
from features.known import Known

COUNTS = {"token_ids": "array<int>", "counts": "array<bigint>"}
"""What ``count_rows`` gives."""


def count_rows(known: Known) -> dict[str, pa.Array]:
    """Give the sum of each request's known cells as a sparse row: token ids ascend."""
    summed = summed_cells(known)
    summed.sort_indices()
    offsets = pa.array(summed.indptr.astype(np.int32))
    flat = {"token_ids": summed.indices.astype(np.int32), "counts": summed.data.astype(np.int64)}
    return {name: pa.ListArray.from_arrays(offsets, pa.array(values)) for name, values in flat.items()}


def dense_sums(known: Known, tokens: Integers, counts: Integers, width: int) -> Integers:
    """Sum the counts of each request's known cells by token, 0 to ``width - 1``; of shape (n_requests, width).

    ``tokens`` and ``counts`` are of shape (n_rows,).
    """
    dense = np.zeros((len(known.lengths), width), dtype=np.int64)
    summed = _summed(known, tokens, counts)
    dense[:, : summed.shape[1]] = summed.toarray()
    return dense


def summed_cells(known: Known) -> sp.csr_matrix:
    """Sum ``count`` of each request's known cells by ``token_id``; a row a request."""
    return _summed(known, known.numbers("token_id"), known.numbers("count"))


def _summed(known: Known, tokens: Integers, counts: Integers) -> sp.csr_matrix:
    width = int(tokens.max(initial=-1)) + 1
    by_cell = sp.csr_matrix((counts, tokens, np.arange(len(tokens) + 1)), shape=(len(tokens), width))
    _, cells = known.places()
    offsets = np.concatenate([[0], np.cumsum(known.lengths)])
    ones = np.ones(len(cells), dtype=np.int64)
    return sp.csr_matrix((ones, cells, offsets), shape=(len(known.lengths), len(tokens))) @ by_cell
