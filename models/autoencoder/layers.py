"""Layers of a trained network, each row by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import expit

from models.autoencoder.scaling import Floats


def _identity(values: Floats) -> Floats:
    return values


def _relu(values: Floats) -> Floats:
    return np.maximum(values, np.float32(0), out=values)


ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "linear": _identity,
    "relu": _relu,
    "sigmoid": expit,
    "tanh": np.tanh,
}
"""By name; all keep float32, and may write over their argument."""

SLICE = 256
"""Outputs that are summed up at a time: of 1,000 inputs, their weights take 1 MB."""


class SparseRows(NamedTuple):
    """Rows of a CSR matrix as plain arrays, of which a part is cheap to have."""

    offsets: npt.NDArray[np.integer]
    """Row i holds entries ``offsets[i]`` to ``offsets[i + 1]`` (not included); shape (n_rows + 1,)."""

    inputs: npt.NDArray[np.integer]
    values: Floats

    @classmethod
    def of(cls, rows: sp.csr_matrix | npt.NDArray[np.number]) -> SparseRows:
        """Take the non-zeros of rows of shape (n_rows, n_inputs), in their order."""
        sparse = sp.csr_matrix(rows)
        return cls(sparse.indptr, sparse.indices, sparse.data)

    def part(self, start: int, stop: int) -> SparseRows:
        """Give rows `start` to `stop` (not included), as far as there are so many."""
        offsets = self.offsets[start : stop + 1]
        entries = slice(offsets[0], offsets[-1])
        return SparseRows(offsets - offsets[0], self.inputs[entries], self.values[entries])


@dataclass(frozen=True)
class Layer:
    """f(x W + b)."""

    weight: Floats
    """Shape (n_inputs, n_outputs)."""

    bias: Floats
    """Shape (n_outputs,)."""

    activation: str = "relu"
    """A key of `ACTIVATIONS`."""

    def __call__(self, rows: SparseRows) -> Floats:
        """Apply the layer; gives shape (n_rows, n_outputs).

        A row is summed over its non-zeros in their order and never touches a row beside it, so a user has the same
        result in whatever batch or partition. This is why it is no BLAS product. PyTorch sums up bags of embeddings in
        less than half of the time of scipy's product, which does the same.
        """
        from torch import from_numpy  # here, so that weights can be read without PyTorch

        from models.autoencoder.networks.products import sparse_product

        # PyTorch takes no array that may not be written, as Arrow's may not
        offsets, inputs, values = (from_numpy(np.require(part, requirements="W")) for part in rows)
        sums = np.empty((len(offsets) - 1, len(self.bias)), np.float32)
        for first, weight in self._slices:
            some = sparse_product(inputs, offsets[:-1], values, from_numpy(weight))
            outputs = slice(first, first + weight.shape[1])
            np.add(some.numpy(), self.bias[outputs], out=sums[:, outputs])
        return ACTIVATIONS[self.activation](sums)

    @cached_property
    def _slices(self) -> list[tuple[int, Floats]]:
        """Give the weights of some outputs at a time, few enough for a cache, each with its first output."""
        firsts = range(0, len(self.bias), SLICE)
        return [(first, np.require(self.weight[:, first : first + SLICE], requirements=["C", "W"])) for first in firsts]
