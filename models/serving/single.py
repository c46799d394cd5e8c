"""Rounding to float32, for models that compare in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .types import Floats

LARGEST = 1e30
ROWS_AT_ONCE = 256


def to_single(rows: Floats) -> NDArray[np.float32]:
    """Round encoded rows to float32; larger numbers are cut to 1e30, so that nothing overflows."""
    if rows.ndim == 1:
        return _rounded(rows)
    single = np.empty(rows.shape, dtype=np.float32)
    for begin in range(0, len(rows), ROWS_AT_ONCE):  # as many as a cache holds
        single[begin : begin + ROWS_AT_ONCE] = _rounded(rows[begin : begin + ROWS_AT_ONCE])
    return single


def last_that_rounds_to(threshold: Floats) -> Floats:
    """Give the largest number that float32 rounds to a threshold or below, so that numbers need not be rounded.

    Thresholds are float32 numbers, within 1e30 of 0. Half way to the next one lies a number that rounds to whichever of
    both is even.
    """
    single = threshold.astype(np.float32)
    above = np.nextafter(single, np.float32(np.inf)).astype(np.float64)
    middle = (threshold + above) / 2
    return np.where(middle.astype(np.float32) == single, middle, np.nextafter(middle, -np.inf))


def _rounded(numbers: Floats) -> NDArray[np.float32]:
    return np.minimum(np.maximum(numbers, -LARGEST), LARGEST).astype(np.float32)  # np.clip takes four times as long
