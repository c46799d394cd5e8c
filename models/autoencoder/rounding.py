"""Rounding a code's values to what it takes to store them."""

from __future__ import annotations

import numpy as np

from models.autoencoder.scaling import Floats

FLOAT32_FRACTION_BITS = 23
SMALLEST, LARGEST = np.float32(2**-8), {False: np.float32(2**8 - 2**3), True: np.float32(2**8 - 2**4)}
"""Of eight bits: what rounds to `SMALLEST` or less is 0; what is beyond `LARGEST` (by whether signed) is `LARGEST`."""

LARGEST_FLOAT16 = np.float32(np.finfo(np.float16).max)


def rounded(values: Floats, bits: int, *, signed: bool) -> Floats:
    """Round to the nearest number of so many bits.

    With 8 bits these are floating-point numbers with four bits for the exponent, from 2^-8 to 2^7, and the others for
    the fraction: four, or three and a sign. The lowest of them stands for 0. So a value is known to a part in 32 (or
    16) whatever its size, there are no scales to learn or to store, and a Parquet column of such values takes a byte
    each, since its dictionary has no more than 256 entries.

    Parameters
    ----------
    values : ndarray of float32
    bits : int
        8, or 16 for float16.
    signed : bool
        Whether values may be negative; else negative ones become 0.

    Returns
    -------
    ndarray of float32
        Finite, whatever the size of a value.

    Notes
    -----
    Source: Micikevicius et al. 2022, "FP8 formats for deep learning", whose E4M3 has another range.
    """
    low = -np.inf if signed else np.float32(0)
    return to_float16(np.maximum(values, low)) if bits == 16 else _to_float8(np.maximum(values, low), signed=signed)


def to_float16(values: Floats) -> Floats:
    """Round to the nearest finite float16, kept in float32."""
    return np.clip(values, -LARGEST_FLOAT16, LARGEST_FLOAT16).astype(np.float16).astype(np.float32)


def _to_float8(values: Floats, *, signed: bool) -> Floats:
    dropped = FLOAT32_FRACTION_BITS - (3 if signed else 4)
    magnitudes = np.minimum(np.abs(values), LARGEST[signed]).astype(np.float32).view(np.int32)
    nearest = ((magnitudes + (1 << (dropped - 1))) >> dropped << dropped).view(np.float32)
    return np.where(nearest > SMALLEST, np.copysign(nearest, values), np.float32(0))
