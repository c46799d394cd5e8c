"""Which of a row's activations make up its code, and what they take to store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from models.autoencoder.scaling import Floats

LARGEST_FLOAT16 = np.float32(np.finfo(np.float16).max)

VALUE_BYTES = INDEX_BYTES = LENGTH_BYTES = 2
"""A float16, the number of a latent, and how many latents a code of no fixed length holds."""


class Selection(Protocol):
    """Activations of shape (n_users, n_latents) to codes; each row by itself."""

    def codes(self, activations: Floats) -> sp.csr_matrix:
        """Select, and round to what float16 can hold."""
        ...

    def bytes_per_user(self, codes: sp.csr_matrix) -> float:
        """Give the mean size of a stored code, the smaller of a sparse and a dense layout."""
        ...


@dataclass(frozen=True)
class Largest:
    """The `k` largest positive activations of a row; of equal ones, those with the lowest index."""

    k: int

    def codes(self, activations: Floats) -> sp.csr_matrix:
        """Select, and round to what float16 can hold."""
        rounded = to_float16(activations)
        return _kept(rounded, _top_k_mask(activations, self.k) & (rounded > 0))

    def bytes_per_user(self, codes: sp.csr_matrix) -> float:
        """Give the size of `k` pairs, whether all of them are used or not."""
        return min(self.k * (INDEX_BYTES + VALUE_BYTES), codes.shape[1] * VALUE_BYTES)


@dataclass(frozen=True)
class Above:
    """All activations above a threshold that is at least 0; as many as there are."""

    threshold: float = 0.0

    def codes(self, activations: Floats) -> sp.csr_matrix:
        """Select, and round to what float16 can hold."""
        rounded = to_float16(activations)
        return _kept(rounded, (activations > np.float32(self.threshold)) & (rounded > 0))

    def bytes_per_user(self, codes: sp.csr_matrix) -> float:
        """Give the mean size of the pairs and their number."""
        pairs = codes.count_nonzero() / codes.shape[0] * (INDEX_BYTES + VALUE_BYTES)
        return float(min(LENGTH_BYTES + pairs, codes.shape[1] * VALUE_BYTES))


@dataclass(frozen=True)
class Everything:
    """Every activation, zero and negative ones too: a dense code."""

    def codes(self, activations: Floats) -> sp.csr_matrix:
        """Round to what float16 can hold."""
        rounded = to_float16(activations)
        return _kept(rounded, np.ones(rounded.shape, np.bool_))

    def bytes_per_user(self, codes: sp.csr_matrix) -> float:
        """Give the size of one value for each latent."""
        return codes.shape[1] * VALUE_BYTES


def to_float16(values: Floats) -> Floats:
    """Round to the nearest finite float16, kept in float32."""
    return np.clip(values, -LARGEST_FLOAT16, LARGEST_FLOAT16).astype(np.float16).astype(np.float32)


def _kept(values: Floats, mask: npt.NDArray[np.bool_]) -> sp.csr_matrix:
    indptr = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    return sp.csr_matrix((values[mask], mask.nonzero()[1], indptr), shape=values.shape)


def _top_k_mask(activations: Floats, k: int) -> npt.NDArray[np.bool_]:
    n_latents = activations.shape[1]
    threshold = np.partition(activations, n_latents - k, axis=1)[:, n_latents - k, None]
    mask = activations > threshold
    at_threshold = activations == threshold
    room = k - mask.sum(axis=1, keepdims=True)
    return np.asarray(mask | (at_threshold & (at_threshold.cumsum(axis=1) <= room)))
