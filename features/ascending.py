"""Sorting by several whole numbers at once, in numpy: few sorts, as their ranges allow; lexsort takes one a key.

What comes from a stream of users is nearly sorted as it is: the order of one number is found many times as fast.
"""

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
    order = np.arange(len(keys[0]))
    for code in _codes(keys) if len(order) else ():
        order = order[np.argsort(code[order], kind="stable")]
    return order


def _codes(keys: tuple[NDArray[np.integer], ...]) -> Iterator[Integers]:
    """Put keys that follow each other into one number as long as it fits, from the last to the first."""
    code, width = None, 1
    for key in reversed(keys):
        low = int(key.min())
        span = int(key.max()) - low + 1
        if code is not None and width * span > MOST:
            yield code
            code, width = None, 1
        if span > MOST:
            yield key.astype(np.int64)
            continue
        above_low = key.astype(np.int64) - low
        code = above_low if code is None else code + above_low * width
        width *= span
    if code is not None:
        yield code
