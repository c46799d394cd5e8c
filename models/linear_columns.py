"""The columns of a linear model: numbers side by side, and of all else only what is not 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from models.serving.types import Floats


@dataclass(frozen=True)
class LinearColumns:
    """Dense columns, then sparse ones."""

    numbers: Floats
    """Shape (n_rows, n_numbers)."""
    marks: sp.csr_matrix
    """Shape (n_rows, n_marks), of the same type."""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return int(self.numbers.shape[1] + self.marks.shape[1])

    def times(self, weight: Floats) -> Floats:
        """Give the weighted sum of each row's columns, shape (n_rows,)."""
        dense, sparse = np.split(weight.astype(self.numbers.dtype), [self.numbers.shape[1]])
        return np.asarray(self.numbers @ dense + self.marks @ sparse)

    def summed(self, weight: Floats) -> Floats:
        """Give the weighted sum of each column's rows, shape (n_columns,)."""
        of_row = weight.astype(self.numbers.dtype)
        return np.concatenate([of_row @ self.numbers, self.marks.T @ of_row])

    def every(self, step: int) -> Floats:
        """Give every so many rows, as float64 of shape (n_drawn, n_columns)."""
        return np.hstack([self.numbers[::step], self.marks[::step].toarray()]).astype(np.float64)
