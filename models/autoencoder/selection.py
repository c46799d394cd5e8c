"""Which of a row's activations make up its code, and what they take to store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import scipy.sparse as sp

from models.autoencoder.largest import Places, largest, places_of
from models.autoencoder.rounding import rounded
from models.autoencoder.scaling import Floats

ONE_BYTE = 256
"""Most latents whose numbers fit in a byte; those of more take two."""


class Selection(Protocol):
    """Activations to codes; each row by itself."""

    def codes(self, blocks: Iterable[Floats]) -> sp.csr_matrix:
        """Select, and round the values.

        Parameters
        ----------
        blocks : iterable of ndarray of float32, shape (n_users of a block, n_latents)
            Activations, at least one block of them; a block is let go before the next is asked for.
        """
        ...

    def bytes_per_user(self, codes: sp.csr_matrix) -> float:
        """Give the mean size of a stored code, the smaller of a sparse and a dense layout."""
        ...


@dataclass(frozen=True)
class Largest:
    """The `k` largest positive activations of a row; of equal ones, those with the lowest index.

    A ReLU before it would change nothing, so the layer is linear; the same goes for `Above`.
    """

    k: int
    value_bits: int = 8

    def codes(self, blocks: Iterable[Floats]) -> sp.csr_matrix:
        """Select, and round the values; what rounds to zero is left out."""
        return _positive([_kept(block, *largest(block, self.k)) for block in blocks], self.value_bits)

    def bytes_per_user(self, codes: sp.csr_matrix) -> float:
        """Give the size of `k` pairs, whether all of them are used or not."""
        return min(self.k * _pair_bytes(codes, self.value_bits), _dense_bytes(codes, self.value_bits))


@dataclass(frozen=True)
class Above:
    """All activations above a threshold that is at least 0; as many as there are."""

    threshold: float = 0.0
    value_bits: int = 8

    def codes(self, blocks: Iterable[Floats]) -> sp.csr_matrix:
        """Select, and round the values; what rounds to zero is left out."""
        least = np.float32(self.threshold)
        return _positive([_kept(block, *places_of(block > least)) for block in blocks], self.value_bits)

    def bytes_per_user(self, codes: sp.csr_matrix) -> float:
        """Give the mean size of the pairs and their number."""
        pairs = codes.count_nonzero() / codes.shape[0] * _pair_bytes(codes, self.value_bits)
        return float(min(_index_bytes(codes) + pairs, _dense_bytes(codes, self.value_bits)))


@dataclass(frozen=True)
class Everything:
    """Every activation, zero and negative ones too: a dense code."""

    value_bits: int = 8
    signed: bool = True

    def codes(self, blocks: Iterable[Floats]) -> sp.csr_matrix:
        """Round the values."""
        values = np.concatenate([rounded(block, self.value_bits, signed=self.signed) for block in blocks])
        n_users, n_latents = values.shape
        indptr = np.arange(0, values.size + 1, n_latents)
        return sp.csr_matrix((values.ravel(), np.tile(np.arange(n_latents), n_users), indptr), shape=values.shape)

    def bytes_per_user(self, codes: sp.csr_matrix) -> float:
        """Give the size of one value for each latent."""
        return _dense_bytes(codes, self.value_bits)


def _index_bytes(codes: sp.csr_matrix) -> int:
    return 1 if codes.shape[1] <= ONE_BYTE else 2


def _pair_bytes(codes: sp.csr_matrix, value_bits: int) -> float:
    return _index_bytes(codes) + value_bits / 8


def _dense_bytes(codes: sp.csr_matrix, value_bits: int) -> float:
    return codes.shape[1] * value_bits / 8


class _Kept(NamedTuple):
    """What is kept of a block: values and latents of all rows, one after another."""

    values: Floats
    latents: Places
    lengths: Places
    """Of the rows."""

    n_latents: int


def _kept(block: Floats, places: Places, lengths: Places) -> _Kept:
    n_latents = block.shape[1]
    return _Kept(block.ravel()[places], places % n_latents, lengths, n_latents)


def _positive(parts: list[_Kept], value_bits: int) -> sp.csr_matrix:
    """Give the codes of what is kept, none of it negative, without what rounds to zero."""
    values, latents, lengths, widths = zip(*parts, strict=True)
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    flat = (rounded(np.concatenate(values), value_bits, signed=False), np.concatenate(latents), indptr)
    codes = sp.csr_matrix(flat, shape=(len(indptr) - 1, widths[0]))
    if not codes.data.all():
        codes.eliminate_zeros()
    return codes
