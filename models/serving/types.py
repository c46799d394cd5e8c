"""Types that the scorer's parts share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

RawRow: TypeAlias = Mapping[str, Any]
"""One raw feature row: feature name -> value as it lies in the table (None for null)."""


@dataclass(frozen=True)
class Words:
    """A column of strings as places in a list of words, of which None is null."""

    places: NDArray[np.integer[Any]]
    """Shape (n_rows,)."""
    words: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True)
class Lists:
    """A column of sequences, laid out one after the other."""

    lengths: NDArray[np.integer[Any]]
    """How many values each row has, shape (n_rows,)."""
    values: NDArray[Any]

    def __len__(self) -> int:
        return len(self.lengths)


class Batch(Protocol):
    """Raw feature rows by column: a dict of arrays, or a pandas DataFrame.

    Numeric columns are numbers with NaN for null, categorical ones strings with None for null, or ``Words``, and
    ``latents`` and ``latent_values`` hold one sequence a row (None where the user has no code), or are ``Lists``.
    """

    def __getitem__(self, name: str, /) -> Any:
        """Give a column."""
        ...


class Engine(Protocol):
    """A loaded model: encoded rows in, probabilities before calibration out. Threads may share it."""

    def predict(self, rows: Floats) -> Floats:
        """Score encoded rows of shape (n_rows, n_columns); gives shape (n_rows,)."""
        ...

    def predict_one(self, row: Floats) -> float:
        """Score one encoded row of shape (n_columns,); the same number as `predict` gives."""
        ...
