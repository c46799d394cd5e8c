"""The largest entries of each row, found without sorting whole rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.autoencoder.scaling import Floats

SMALLEST_POSITIVE = np.float32(np.finfo(np.float32).smallest_subnormal)

Places = npt.NDArray[np.intp]


def places_of(mask: npt.NDArray[np.bool_]) -> tuple[Places, Places]:
    """Give where a mask is true, as places of the flat mask, ascending, and how many of them are in each row."""
    n_rows, n_columns = mask.shape
    places = np.flatnonzero(mask)
    ends = np.searchsorted(places, np.arange(n_rows + 1) * n_columns)
    return places, np.diff(ends)


def largest(values: Floats, k: int) -> tuple[Places, Places]:
    """Find what is positive and among the k largest of its row; of equal ones, those with the lowest index.

    Parameters
    ----------
    values : ndarray of float32, shape (n_rows, n_columns)
    k : int
        At most `n_columns`.

    Returns
    -------
    places : ndarray of int
        Of the flat array, ascending.
    lengths : ndarray of int, shape (n_rows,)
        How many of them are in each row.
    """
    place = values.shape[1] - k
    least = np.partition(values, place, axis=1)[:, place, None]  # in AVX-512 or AVX2, where there is
    mask = values >= np.maximum(least, SMALLEST_POSITIVE)
    places, lengths = places_of(mask)
    tied = np.flatnonzero(lengths > k)
    if not tied.size:
        return places, lengths
    above, equal = values[tied] > least[tied], values[tied] == least[tied]
    mask[tied] = above | (equal & (equal.cumsum(axis=1) <= k - above.sum(axis=1, keepdims=True)))
    return places_of(mask)
