"""Which rows are held out while fitting."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Places: TypeAlias = slice | npt.NDArray[np.intp]


def split(
    n_rows: int, share: float, rng: np.random.Generator, groups: npt.ArrayLike | None = None
) -> tuple[Places, Places]:
    """Draw who is held out.

    Parameters
    ----------
    n_rows : int
    share : float
        Of the groups, rounded up; at least one group is kept.
    rng : Generator
    groups : array-like of shape (n_rows,), optional
        The group of each row, held out as a whole; by default each row is a group.

    Returns
    -------
    places, places
        Of the rows to learn from and of those held out; both are all rows where `share` is 0 or there is one group.
    """
    group = np.arange(n_rows) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    n_groups = int(group.max()) + 1
    n_held_out = min(math.ceil(n_groups * share), n_groups - 1)
    if n_held_out == 0:
        return slice(None), slice(None)
    is_held_out = np.zeros(n_groups, dtype=bool)
    is_held_out[rng.permutation(n_groups)[:n_held_out]] = True
    return np.flatnonzero(~is_held_out[group]), np.flatnonzero(is_held_out[group])
