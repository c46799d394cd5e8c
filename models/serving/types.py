"""Types that the scorer's parts share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

RawRow: TypeAlias = Mapping[str, Any]
"""One raw feature row: feature name -> value as it lies in the table (None for null)."""


class Batch(Protocol):
    """Raw feature rows by column: a dict of arrays, or a pandas DataFrame.

    Numeric columns are numbers with NaN for null, categorical ones strings with None for null, and
    ``latents`` and ``latent_values`` hold one sequence a row (None where the user has no code).
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
