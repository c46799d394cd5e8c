"""The nearest binary codes: a linear scan that counts differing bits, in chunks.

A scan reads 8 bytes a user for 64 bits and needs no index, which multi-index hashing (Norouzi, Punjani and Fleet, 2012)
would: with thousands of neighbours wanted its buckets are most of the table.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.semantic_hashing import Packed

Positions: TypeAlias = NDArray[np.int64]

CHUNK_ROWS = 1 << 16
"""Rows compared at once, few enough for a cache. Results do not depend on it."""


def hamming_distances(codes: Packed, query: Packed) -> NDArray[np.uint16]:
    """Count the bits in which each code differs from a query.

    Parameters
    ----------
    codes : ndarray of uint64, shape (n_rows, n_words)
    query : ndarray of uint64, shape (n_words,)

    Raises
    ------
    ValueError
        When their lengths differ.
    """
    if codes.shape[1:] != query.shape:
        raise ValueError(f"codes of {codes.shape[1]} words, a query of {len(query)}: expected the same length")
    distances = np.empty(len(codes), dtype=np.uint16)
    for start in range(0, len(codes), CHUNK_ROWS):
        differing = np.bitwise_count(codes[start : start + CHUNK_ROWS] ^ query)
        distances[start : start + CHUNK_ROWS] = differing.sum(axis=1, dtype=np.uint16)
    return distances


def nearest(distances: NDArray[np.uint16], eligible: NDArray[np.bool_], n: int) -> Positions:
    """Give the positions of at least the ``n`` nearest eligible codes, ascending by position.

    All that are as far as the last one are among them: which of them come first must not depend on their order.
    """
    if n < 1:
        raise ValueError(f"expected to look for at least 1 code, got {n}")
    radius = radius_of(np.bincount(distances[eligible]), n)
    return np.flatnonzero(eligible & (distances <= radius))


def radius_of(counts: NDArray[np.int64], n: int) -> int:
    """Give the distance within which at least ``n`` codes lie, or all of them.

    Parameters
    ----------
    counts : ndarray of int64
        Codes at each distance, from 0.
    n : int
    """
    return int(np.searchsorted(np.cumsum(counts), n))
