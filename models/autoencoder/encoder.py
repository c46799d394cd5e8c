"""The trained encoder: sparse rows in, sparse codes out, each row by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from models.autoencoder.layers import Layer, SparseRows
from models.autoencoder.scaling import CountScaling, Floats
from models.autoencoder.selection import Selection

CHUNK_ROWS = 256
"""Rows whose dense pre-activations are held at once, few enough for a cache. Results do not depend on it."""


@dataclass(frozen=True)
class SparseEncoder:
    """From raw counts to codes: scaling, layers, and the selection of what is kept.

    A row never touches a row beside it, so a user has the same code in whatever batch or partition.
    """

    scaling: CountScaling
    layers: tuple[Layer, ...]
    """The first one takes centred tokens, the last one gives the latents."""

    selection: Selection
    """Which activations of the last layer are kept."""

    @property
    def n_latents(self) -> int:
        """Width of the codes."""
        return len(self.layers[-1].bias)

    def encode(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Encode raw counts.

        Parameters
        ----------
        counts : csr_matrix of shape (n_users, n_tokens)
            Raw counts. Unsorted or repeated tokens of a row are put right first (repeated ones add up).

        Returns
        -------
        csr_matrix of float32, shape (n_users, n_latents)
            What the selection keeps, rounded by `models.autoencoder.rounding`, sorted by latent.
        """
        rows = SparseRows.of(self.scaling.apply(canonical(counts)))
        starts = range(0, max(counts.shape[0], 1), CHUNK_ROWS)
        return self.selection.codes(self._activations(rows.part(start, start + CHUNK_ROWS)) for start in starts)

    def encode_lists(
        self,
        offsets: npt.NDArray[np.integer],
        token_ids: npt.NDArray[np.integer],
        counts: npt.NDArray[np.number],
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16], Floats]:
        """Encode rows as they lie in two Arrow list columns, with no loop over rows.

        Parameters
        ----------
        offsets : ndarray of shape (n_users + 1,)
            Row i holds entries ``offsets[i]`` to ``offsets[i + 1]`` (not included) of the flat arrays. May
            begin after 0, as the offsets of a sliced Arrow array do.
        token_ids, counts : ndarray of shape (n_entries,)
            The flat lists.

        Returns
        -------
        offsets : ndarray of int32, shape (n_users + 1,)
        latents : ndarray of int16
            Sorted within a row.
        values : ndarray of float32

        Raises
        ------
        ValueError
            When a token is not in the vocabulary that the encoder was fitted on.
        """
        first, last = int(offsets[0]), int(offsets[-1])
        tokens = np.asarray(token_ids[first:last])
        n_tokens = self.layers[0].weight.shape[0]
        if tokens.size and (tokens.min() < 0 or tokens.max() >= n_tokens):
            raise ValueError(f"token ids {tokens.min()} to {tokens.max()}, expected 0 to {n_tokens - 1}")
        values = np.asarray(counts[first:last], dtype=np.float32)
        shape = (len(offsets) - 1, n_tokens)
        codes = self.encode(sp.csr_matrix((values, tokens, np.asarray(offsets) - first), shape=shape))
        return codes.indptr.astype(np.int32), codes.indices.astype(np.int16), codes.data

    def _activations(self, rows: SparseRows) -> Floats:
        values = self._uncentred(rows)
        for layer in self.layers[1:]:
            values = layer(SparseRows.of(values))
        return values

    @cached_property
    def _uncentred(self) -> Layer:
        """Give the first layer for rows that are not centred: the mean goes into the bias."""
        first = self.layers[0]
        folded = (first.bias - self.scaling.mean.astype(np.float64) @ first.weight).astype(np.float32)
        return replace(first, bias=folded)


def canonical(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Return `counts` with tokens sorted and unique within a row; the argument itself is left as it is."""
    if counts.has_canonical_format:
        return counts
    copy = counts.copy()
    copy.sum_duplicates()
    return copy
