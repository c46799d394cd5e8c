"""Layers of a trained network in numpy, each row by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
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


@dataclass(frozen=True)
class Layer:
    """f(x W + b)."""

    weight: Floats
    """Shape (n_inputs, n_outputs)."""

    bias: Floats
    """Shape (n_outputs,)."""

    activation: str = "relu"
    """A key of `ACTIVATIONS`."""

    def __call__(self, rows: sp.csr_matrix | Floats) -> Floats:
        """Apply the layer to rows of shape (n_rows, n_inputs).

        A row is summed over its non-zeros in their order and never touches a row beside it, so a user has the same
        result in whatever batch or partition. This is why it is a CSR product and not a BLAS one.
        """
        product: Any = sp.csr_matrix(rows) @ self.weight
        product += self.bias
        return ACTIVATIONS[self.activation](product)
