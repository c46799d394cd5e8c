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

    Of k groups without a common member, each has a maximum that is at least the k-th largest of all these maxima, so
    the k-th largest of the row is at least that too. What is below it needs no further look, and that is nearly all.

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
    places, lengths = places_of(values >= np.maximum(_at_most_kth(values, k), SMALLEST_POSITIVE))
    width = max(int(lengths.max(initial=0)), k)
    is_filled = np.arange(width) < lengths[:, None]
    candidates = np.zeros((len(values), width), values.dtype)
    candidates[is_filled] = values.ravel()[places]
    mask = _top_k_mask(candidates, k)
    return places[mask[is_filled]], np.count_nonzero(mask, axis=1)


def _at_most_kth(values: Floats, k: int) -> Floats:
    """Give what the k-th largest of each row is at least, shape (n_rows, 1): columns are paired off and fewer left."""
    while values.shape[1] >= 4 * k:
        half = values.shape[1] // 2
        values = np.maximum(values[:, :half], values[:, half : 2 * half])
    return _kth(values, k)


def _kth(values: Floats, k: int) -> Floats:
    place = values.shape[1] - k
    return np.asarray(np.partition(values, place, axis=1)[:, place, None])


def _top_k_mask(values: Floats, k: int) -> npt.NDArray[np.bool_]:
    """Do what `largest` says, by the order of whole rows."""
    least = _kth(values, k)
    mask = values >= np.maximum(least, SMALLEST_POSITIVE)
    tied = np.flatnonzero(np.count_nonzero(mask, axis=1) > k)
    if tied.size:
        above, equal = values[tied] > least[tied], values[tied] == least[tied]
        room = k - above.sum(axis=1, keepdims=True)
        mask[tied] = above | (equal & (equal.cumsum(axis=1) <= room))
    return np.asarray(mask)
