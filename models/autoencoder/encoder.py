"""The trained encoder without PyTorch: sparse rows in, sparse codes out, each row by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from models.autoencoder.scaling import CountScaling, Floats

CHUNK_ROWS = 8192
"""Rows whose dense pre-activations are held at once. Results do not depend on it."""

LARGEST_FLOAT16 = np.float32(np.finfo(np.float16).max)


@dataclass(frozen=True)
class SparseEncoder:
    """TopK(ReLU(W' (x - mean) + b)) for raw counts.

    A row is summed over its non-zeros in the order of the tokens and never touches a row beside it, so a user
    has the same code in whatever batch or partition. This is why it is a CSR product and not a BLAS one.
    """

    scaling: CountScaling
    weight: Floats
    """Shape (n_tokens, n_latents)."""

    bias: Floats
    """Shape (n_latents,), for centred inputs."""

    k: int
    """Most latents that a code may hold."""

    def encode(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Encode raw counts.

        Parameters
        ----------
        counts : csr_matrix of shape (n_users, n_tokens)
            Raw counts. Unsorted or repeated tokens of a row are put right first (repeated ones add up).

        Returns
        -------
        csr_matrix of float32, shape (n_users, n_latents)
            At most `k` entries a row, all positive, rounded to what float16 can hold, sorted by latent.
        """
        rows = self.scaling.apply(canonical(counts))
        folded = (self.bias - self.scaling.mean.astype(np.float64) @ self.weight).astype(np.float32)
        parts = [
            _keep_top_k(rows[start : start + CHUNK_ROWS] @ self.weight + folded, self.k)
            for start in range(0, max(rows.shape[0], 1), CHUNK_ROWS)
        ]
        return sp.csr_matrix(sp.vstack(parts, format="csr"))

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
        n_tokens = self.weight.shape[0]
        if tokens.size and (tokens.min() < 0 or tokens.max() >= n_tokens):
            raise ValueError(f"token ids {tokens.min()} to {tokens.max()}, expected 0 to {n_tokens - 1}")
        values = np.asarray(counts[first:last], dtype=np.float32)
        shape = (len(offsets) - 1, n_tokens)
        codes = self.encode(sp.csr_matrix((values, tokens, np.asarray(offsets) - first), shape=shape))
        return codes.indptr.astype(np.int32), codes.indices.astype(np.int16), codes.data


def canonical(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Return `counts` with tokens sorted and unique within a row; the argument itself is left as it is."""
    if counts.has_canonical_format:
        return counts
    copy = counts.copy()
    copy.sum_duplicates()
    return copy


def _keep_top_k(activations: Floats, k: int) -> sp.csr_matrix:
    """Keep the k largest positive entries of each row; of equal ones, those with the lowest index."""
    rounded = np.minimum(activations, LARGEST_FLOAT16).astype(np.float16).astype(np.float32)
    kept = _top_k_mask(activations, k) & (rounded > 0)
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return sp.csr_matrix((rounded[kept], kept.nonzero()[1], indptr), shape=activations.shape)


def _top_k_mask(activations: Floats, k: int) -> npt.NDArray[np.bool_]:
    n_latents = activations.shape[1]
    threshold = np.partition(activations, n_latents - k, axis=1)[:, n_latents - k, None]
    mask = activations > threshold
    at_threshold = activations == threshold
    room = k - mask.sum(axis=1, keepdims=True)
    return np.asarray(mask | (at_threshold & (at_threshold.cumsum(axis=1) <= room)))
