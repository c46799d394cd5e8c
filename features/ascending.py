"""Sorting by several whole numbers at once, in numpy: few sorts, as their ranges allow; lexsort takes one a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.int64]

MOST = np.iinfo(np.int64).max


def ascending(*keys: NDArray[np.integer]) -> Integers:
    """Give the order by the first key, then by the second and so on; what is equal keeps its order.

    Parameters
    ----------
    keys : ndarray of shape (n,)
        Whole numbers.

    Returns
    -------
    ndarray of shape (n,)
        Places, as of ``np.lexsort(keys[::-1])``.
    """
    places = np.arange(len(keys[0]))
    if not len(places):
        return places
    bits = len(places).bit_length()
    order = places
    for code in _codes(keys, MOST >> bits):
        values = code[order]
        if int(values.max()) > MOST >> bits or int(values.min()) < 0:
            order = order[np.argsort(values, kind="stable")]
        else:  # numbers sort many times as fast as places by numbers: each takes its place along
            order = order[np.sort(values << bits | places) & (1 << bits) - 1]
    return order


def _codes(keys: tuple[NDArray[np.integer], ...], most: int) -> Iterator[Integers]:
    """Put keys that follow each other into one number as long as it fits, from the last to the first."""
    code, width = None, 1
    for key in reversed(keys):
        low = int(key.min())
        span = int(key.max()) - low + 1
        if code is not None and width * span > most:
            yield code
            code, width = None, 1
        if span > most:
            yield key.astype(np.int64)
            continue
        above_low = key.astype(np.int64) - low
        code = above_low if code is None else code + above_low * width
        width *= span
    if code is not None:
        yield code
