"""Binary codes of users that keep what is alike alike: iterative quantisation of sparse codes.

Semantic hashing (Salakhutdinov and Hinton, 2009) gives similar things codes that differ in few bits, so that a search
counts bits instead of multiplying. The bits are learned here by ITQ (Gong and Lazebnik, 2011): rows are scaled to
length 1 and centred, projected on their principal axes, and turned so that the quantisation loss
``|| sign(V R) - V R ||^2`` is least. The turn R is orthogonal, so angles stay what they were.

On 148 simulated campaigns, recall of users who share the campaign's interest among the 1,000 nearest by Hamming
distance alone (hits, of 1,000 or of all there are) is .77, .77 and .78 at 32, 64 and 128 bits, by random hyperplanes
(Charikar, 2002) .69, .71 and .76, and by exact cosine .81; chance is .20. `make bench-lookalikes` measures it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Packed: TypeAlias = NDArray[np.uint64]

WORD = 64
CHUNK_ROWS = 65_536
"""Rows whose projections are held at once; results do not depend on it."""
MOST_LEARNED_FROM = 50_000
"""Rows that are enough to learn a turn from."""


class Hasher(Protocol):
    """What gives a row its bits."""

    @property
    def bits(self) -> int:
        """Length of the codes."""

    def hash_rows(self, rows: sp.csr_matrix) -> Packed:
        """Hash rows of length 1; shape (n_rows, ceil(bits / 64))."""

    def hash_direction(self, direction: Floats) -> Packed:
        """Hash a direction, shape (n_latents,), to shape (ceil(bits / 64),)."""


@dataclass(frozen=True)
class LinearHasher:
    """A bit is the side of a hyperplane.

    Parameters
    ----------
    planes : ndarray of shape (n_latents, bits)
        Normals of the hyperplanes.
    mean : ndarray of shape (n_latents,)
        Where they meet.
    """

    planes: Floats
    mean: Floats

    @property
    def bits(self) -> int:
        """Length of the codes."""
        return int(self.planes.shape[1])

    def hash_rows(self, rows: sp.csr_matrix) -> Packed:
        """Hash rows.

        Parameters
        ----------
        rows : csr_matrix of shape (n_rows, n_latents)
            Of length 1; see `unit_rows`.

        Returns
        -------
        ndarray of uint64, shape (n_rows, ceil(bits / 64))
            Bits beyond ``bits`` are 0.
        """
        offset = self.mean @ self.planes
        parts = [
            _packed(rows[start : start + CHUNK_ROWS] @ self.planes > offset)
            for start in range(0, max(rows.shape[0], 1), CHUNK_ROWS)
        ]
        packed: Packed = np.concatenate(parts)
        return packed

    def hash_direction(self, direction: Floats) -> Packed:
        """Hash a difference between rows: the mean has gone out of it."""
        packed: Packed = _packed((direction @ self.planes > 0)[np.newaxis])[0]
        return packed


def unit_rows(codes: sp.csr_matrix) -> sp.csr_matrix:
    """Scale each row to length 1, in float64; empty rows stay empty."""
    lengths = np.sqrt(np.asarray(codes.multiply(codes).sum(axis=1), dtype=np.float64)).ravel()
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return sp.csr_matrix(sp.diags_array(scale) @ codes.astype(np.float64))


def fit_itq(rows: sp.csr_matrix, *, bits: int, iterations: int = 50, seed: int = 0) -> LinearHasher:
    """Learn hyperplanes by iterative quantisation.

    Parameters
    ----------
    rows : csr_matrix of shape (n_rows, n_latents)
        Of length 1; at most `MOST_LEARNED_FROM` of them, drawn with the seed, are used.
    bits : int
        Length of the codes. There are ``n_latents`` principal axes: bits beyond these come from further turns of the
        same axes, each learned from another random start.
    iterations : int
        Of each turn.
    seed : int
        What rows and first turns are drawn with.

    Raises
    ------
    ValueError
        Without rows, or when ``bits`` is below 1.
    """
    if bits < 1 or rows.shape[0] == 0:
        raise ValueError(f"expected rows and at least 1 bit, got {rows.shape[0]} rows and {bits} bits")
    rng = np.random.default_rng(seed)
    if rows.shape[0] > MOST_LEARNED_FROM:
        rows = rows[np.sort(rng.choice(rows.shape[0], MOST_LEARNED_FROM, replace=False))]
    mean = np.asarray(rows.mean(axis=0)).ravel()
    centred = rows.toarray() - mean
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    blocks = []
    for start in range(0, bits, len(mean)):
        own = axes[:, : min(bits - start, len(mean))]
        blocks.append(own @ _turn(centred @ own, iterations, rng))
    return LinearHasher(np.hstack(blocks), mean)


def random_planes(rows: sp.csr_matrix, *, bits: int, seed: int = 0) -> LinearHasher:
    """Draw hyperplanes through the mean (Charikar, 2002): what learned ones are held against."""
    planes = np.random.default_rng(seed).standard_normal((rows.shape[1], bits))
    return LinearHasher(planes, np.asarray(rows.mean(axis=0)).ravel())


def _turn(projected: Floats, iterations: int, rng: np.random.Generator) -> Floats:
    """Alternate between the nearest bits and the orthogonal Procrustes turn towards them."""
    width = projected.shape[1]
    turn: Floats = np.linalg.qr(rng.standard_normal((width, width)))[0]
    for _ in range(iterations):
        signs = np.where(projected @ turn > 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(projected.T @ signs)
        turn = left @ right
    return turn


def _packed(bits: NDArray[np.bool_]) -> Packed:
    n_bytes = -(-bits.shape[1] // WORD) * WORD // 8
    packed = np.zeros((len(bits), n_bytes), dtype=np.uint8)
    found = np.packbits(bits, axis=1, bitorder="little")
    packed[:, : found.shape[1]] = found
    return packed.view("<u8").astype(np.uint64, copy=False)
