"""Sparse rows times a weight, and what the weight learns from it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

WIDE = 512
"""Columns of a weight from which on its gradient is made as a transposed product, on a CPU."""


def sparse_product(columns: Tensor, offsets: Tensor, values: Tensor, weight: Tensor) -> Tensor:
    """Multiply sparse rows by a weight; the cost follows the non-zeros, that of the gradients too.

    Parameters
    ----------
    columns : Tensor of int64 or int32, shape (n_non_zeros,)
        Column of each non-zero, which is a row of `weight`.
    offsets : Tensor of the same type, shape (n_rows,)
        Where each row begins.
    values : Tensor of float32, shape (n_non_zeros,)
    weight : Tensor of shape (n_columns, n_outputs)

    Returns
    -------
    Tensor of shape (n_rows, n_outputs)
    """
    if weight.shape[1] < WIDE or weight.device.type != "cpu":
        return embedding_bag(columns, weight, offsets, mode="sum", per_sample_weights=values)
    product = embedding_bag(columns, weight.detach(), offsets, mode="sum", per_sample_weights=values)
    passed = _ByTransposing.apply(product, weight, columns, offsets, values.detach())  # type: ignore[no-untyped-call]
    return cast(Tensor, passed)


class _ByTransposing(torch.autograd.Function):
    """Passes a product on; what comes back goes to the weight, times the transposed rows.

    PyTorch sorts the non-zeros by column instead, fills a weight with zeros and adds to it one non-zero at a time.
    """

    @staticmethod
    def forward(ctx: Any, product: Tensor, weight: Tensor, *rows: Tensor) -> Tensor:
        ctx.save_for_backward(*rows)
        ctx.n_columns = len(weight)
        return product.view_as(product)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,), (columns, offsets, values) = gradients, ctx.saved_tensors
        ends = np.append(offsets.numpy(), len(columns))
        rows = sp.csr_matrix((values.numpy(), columns.numpy(), ends), shape=(len(offsets), ctx.n_columns)).tocsc()
        of_row, starts, weights = (torch.from_numpy(part) for part in (rows.indices, rows.indptr[:-1], rows.data))
        of_weight = embedding_bag(of_row, gradient.contiguous(), starts, mode="sum", per_sample_weights=weights)
        return (gradient, of_weight, None, None, None)
