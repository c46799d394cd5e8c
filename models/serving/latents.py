"""Columns of a user's latents, of which a row names those that are not 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import RowError
from .types import Floats, Lists

NOWHERE = -1
"""Place of a latent that no column holds."""


class LatentColumns:
    """Puts codes into encoded rows.

    Parameters
    ----------
    n_latents : int
        Width of the user code.
    kept : sequence of int
        Latents that have a column, in order; codes may name the others as well.
    first : int
        Position of the first of these columns.
    """

    def __init__(self, n_latents: int, kept: Sequence[int], first: int) -> None:
        self._n_latents = n_latents
        self._place = np.full(n_latents, NOWHERE)
        self._place[list(kept)] = first + np.arange(len(kept))
        self._place_of = dict(enumerate(self._place.tolist()))

    def fill(self, encoded: Floats, latents: Any, values: Any) -> None:
        """Fill the columns of encoded rows, of shape (n_rows, n_columns).

        Raises
        ------
        RowError
            When a latent is not within the width, or lacks a value.
        """
        if not isinstance(latents, Lists):
            latents, values = _as_lists(latents, values)
        named = latents.values.astype(np.int64)
        fits = not len(named) or (named.min() >= 0 and named.max() < self._n_latents)
        if not fits or not np.array_equal(latents.lengths, values.lengths):
            raise RowError(f"latents must be 0 to {self._n_latents - 1}, with one value each")
        rows, columns = np.repeat(np.arange(len(encoded)), latents.lengths), self._place[named]
        held = columns != NOWHERE
        encoded[rows[held], columns[held]] = values.values[held]

    def fill_one(self, encoded: Floats, latents: Sequence[int] | None, values: Sequence[float]) -> None:
        """Fill the columns of one row, of shape (n_columns,); raises as `fill` does."""
        if latents is None:
            return
        if len(latents) != len(values):
            raise RowError(f"{len(latents)} latents with {len(values)} values")
        place_of = self._place_of
        try:
            for latent, value in zip(latents, values, strict=True):
                place = place_of[latent]
                if place != NOWHERE:
                    encoded[place] = value
        except KeyError:
            raise RowError(f"latents must be 0 to {self._n_latents - 1}, got {list(latents)}") from None


def _as_lists(*columns: Sequence[Any]) -> list[Lists]:
    """Lay out sequences one after the other; rows of which the first column has None are empty in all."""
    found = []
    for column in columns:
        rows = [() if first is None else row for first, row in zip(columns[0], column, strict=True)]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        found.append(Lists(lengths, np.concatenate(rows) if rows else np.zeros(0)))
    return found
