"""Squared errors of sparse rows that were rebuilt by one product, without the rows that it gives."""

from __future__ import annotations

from torch import Tensor

from models.autoencoder.networks.active import active_of
from models.autoencoder.networks.batch import SparseBatch

WORTH = 0.35
"""Share of the multiplications of the plain way below which going without it is faster; measured on one thread."""


def squared_error(rows: SparseBatch, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Sum up |x - x_hat|^2 over rows x and their x_hat = h W + b.

    With few non-zeros in h, only their rows of W are read. With few columns in h, it is summed as::

        |x|^2 - 2 x (h W + b) + h (W W') h' + 2 h (W b) + |b|^2

    whose products with x follow the non-zeros, and which builds nothing of shape (n_rows, n_tokens). Else x_hat is
    built.

    Parameters
    ----------
    rows : SparseBatch
        x, of shape (n_rows, n_tokens).
    hidden : Tensor of shape (n_rows, n_hidden)
    weight : Tensor of shape (n_hidden, n_tokens)
    bias : Tensor of shape (n_tokens,)

    Returns
    -------
    Tensor of shape ()
    """
    active = active_of(hidden)
    if active is not None:
        return rows.taken_from(active.times(weight) + bias).square().sum()
    if not is_worth_it(len(rows), rows.n_tokens, len(rows.tokens), len(weight)):
        return (rows.dense() - (hidden @ weight + bias)).square().sum()
    of_rows = rows.values.square().sum()
    across = (hidden * rows.times(weight.T)).sum() + (rows.values * bias[rows.tokens]).sum()
    rebuilt = (hidden * (hidden @ (weight @ weight.T))).sum() + 2 * (hidden.sum(dim=0) @ (weight @ bias))
    return of_rows - 2 * across + rebuilt + len(rows) * bias.square().sum()


def squared_deviation(rows: SparseBatch, mean: Tensor) -> Tensor:
    """Sum up |x - mean|^2 over rows x, in float64, along the non-zeros."""
    values, centre = rows.values.double(), mean.double()
    return values.square().sum() - 2 * (values * centre[rows.tokens]).sum() + len(rows) * centre.square().sum()


def is_worth_it(n_rows: int, n_tokens: int, n_non_zeros: int, n_hidden: int) -> bool:
    """Tell whether going without x_hat takes fewer multiplications, by far."""
    return n_hidden * (n_tokens + n_rows) + n_non_zeros < WORTH * n_rows * n_tokens
