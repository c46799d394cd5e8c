"""Sparse rows as PyTorch takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from models.autoencoder.networks.products import sparse_product


@dataclass(frozen=True)
class SparseBatch:
    """Scaled rows, not centred, as `embedding_bag` takes them."""

    offsets: Tensor
    """Where each row begins, int64, shape (n_rows,)."""

    tokens: Tensor
    """Token of each non-zero, int64, shape (n_non_zeros,)."""

    values: Tensor
    """Its scaled count, float32, shape (n_non_zeros,)."""

    n_tokens: int

    noise: Tensor | None = None
    """What is added to the rows, float32, shape (n_rows, n_tokens); None for nothing."""

    @classmethod
    def of(cls, rows: sp.csr_matrix, device: torch.device | str = "cpu") -> SparseBatch:
        """Take the rows of a CSR matrix of float32 to a device."""
        flat = (rows.indptr[:-1].astype(np.int64), rows.indices.astype(np.int64), rows.data)
        offsets, tokens, values = (torch.from_numpy(part).to(device) for part in flat)
        return cls(offsets, tokens, values, int(rows.shape[1]))

    def __len__(self) -> int:
        return len(self.offsets)

    def times(self, weight: Tensor) -> Tensor:
        """Multiply by a weight of shape (n_tokens, n_outputs); without noise, the cost follows the non-zeros."""
        product = sparse_product(self.tokens, self.offsets, self.values, weight)
        return product if self.noise is None else product + self.noise @ weight

    def dense(self) -> Tensor:
        """Build the rows in full, shape (n_rows, n_tokens), without the noise."""
        full = self.values.new_zeros(len(self), self.n_tokens)
        full[self._row_of_each(), self.tokens] = self.values
        return full

    def taken_from(self, full: Tensor) -> Tensor:
        """Subtract the rows, without the noise, from full ones that nobody else needs, where they are."""
        less = _Less.apply(full, self._row_of_each(), self.tokens, self.values)  # type: ignore[no-untyped-call]
        return cast(Tensor, less)

    def _row_of_each(self) -> Tensor:
        lengths = torch.diff(self.offsets, append=self.offsets.new_tensor([len(self.tokens)]))
        return torch.repeat_interleave(lengths)


class _Less(torch.autograd.Function):
    """Subtracts values in place; what comes back is passed on, where PyTorch would build it anew."""

    @staticmethod
    def forward(ctx: Any, full: Tensor, rows: Tensor, columns: Tensor, values: Tensor) -> Tensor:
        ctx.mark_dirty(full)
        full[rows, columns] -= values
        return full

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ARG004
        return gradient, None, None, None
