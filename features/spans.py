"""Rows that lie together: spans of them, laid out one after the other."""

from __future__ import annotations

import numpy as np

from features.ascending import Integers


def laid_out(starts: Integers, lengths: Integers) -> tuple[Integers, Integers]:
    """Give the number of the span and the place of each row of some spans, in their order; two of shape (n_rows,).

    >>> span, place = laid_out(np.array([7, 0]), np.array([2, 3]))
    >>> span.tolist(), place.tolist()
    ([0, 0, 1, 1, 1], [7, 8, 0, 1, 2])
    """
    span = np.repeat(np.arange(len(starts)), lengths)
    first = np.cumsum(lengths) - lengths
    return span, np.arange(len(span)) + np.repeat(starts - first, lengths)
