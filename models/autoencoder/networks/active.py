"""Codes of which few latents are active, as sparse rows, so that a decoder is read where they are."""

from __future__ import annotations

import torch
from torch import Tensor

from models.autoencoder.networks.batch import SparseBatch

WIDE = 16
"""Latents for each active one from which on rows are rebuilt from the active rows of the decoder alone."""


def is_wide(n_latents: int, k: float) -> bool:
    """Tell whether k active latents are so few of all that reading their rows of the decoder beats a dense product."""
    return k * WIDE <= n_latents


def is_sparse(kept: SparseBatch) -> bool:
    """Tell the same of what rows have in the mean."""
    return is_wide(kept.n_tokens, len(kept.values) / len(kept))


def active_of(code: Tensor) -> SparseBatch | None:
    """Give what is not zero of a code of shape (n_rows, n_latents); None where that is too much to be worth it."""
    n_rows, n_latents = code.shape
    if not is_wide(n_latents, int(code.detach().count_nonzero()) / max(n_rows, 1)):
        return None
    flat = code.flatten()
    places = flat.detach().nonzero().squeeze(1)
    return at_places(flat[places], places, n_rows, n_latents)


def at_places(values: Tensor, places: Tensor, n_rows: int, n_columns: int) -> SparseBatch:
    """Give sparse rows of values at places, in order, of the rows laid one after another."""
    offsets = torch.searchsorted(places, torch.arange(0, n_rows * n_columns, n_columns, device=places.device))
    return SparseBatch(offsets, places % n_columns, values, n_columns)


def as_rows(values: Tensor, columns: Tensor, n_columns: int) -> SparseBatch:
    """Give sparse rows of as many values each, and their columns, both of shape (n_rows, k)."""
    n_rows, k = values.shape
    offsets = torch.arange(0, n_rows * k, k, device=values.device)
    return SparseBatch(offsets, columns.flatten(), values.flatten(), n_columns)


def product_of(code: Tensor, weight: Tensor) -> Tensor:
    """Multiply a code of shape (n_rows, n_latents) by a weight of shape (n_latents, n_outputs)."""
    active = active_of(code)
    return code @ weight if active is None else active.times(weight)
