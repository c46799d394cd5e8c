"""Users who are like those who clicked: a direction from the clickers' codes, a Hamming search, an exact order.

A user is a row of length 1 along the squares of the code, so that what is strong outweighs what is faint. The direction
is the mean of the clickers' rows less the mean of everybody's (Rocchio, 1971): without that difference, what all users
do outweighs what the clickers like. Latents whose difference chance alone might make are left out of it, by the
universal threshold of sqrt(2 ln n_latents) standard errors (Donoho and Johnstone, 1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.hamming_search import Positions, hamming_distances, nearest
from models.semantic_hashing import Floats, Hasher, Packed, unit_rows

FIXED = 2.0**36
"""What whole numbers that stand for fractions count."""

CANDIDATES_PER_RESULT = 8
"""Hamming candidates that are put in exact order, for each user wanted."""


class MixedEmbeddings(ValueError):
    """Codes of two embedding versions, whose latents have nothing to do with each other."""


@dataclass(frozen=True)
class UserCodes:
    """Codes of users by one embedding.

    Parameters
    ----------
    version : str
        The embedding.
    rows : csr_matrix of shape (n_users, n_latents)
        See `rows_of`.
    """

    version: str
    rows: sp.csr_matrix

    @classmethod
    def of(cls, version: str, codes: sp.csr_matrix) -> UserCodes:
        """Take codes as the embedding gives them."""
        return cls(version, rows_of(codes))


@dataclass(frozen=True)
class Direction:
    """What sets some users apart from all.

    Parameters
    ----------
    version : str
        The embedding whose latents it is in.
    weights : ndarray of shape (n_latents,)
        Of length 1; 0 where the users are like everybody.
    """

    version: str
    weights: Floats


@dataclass(frozen=True)
class Everybody:
    """What rows are like.

    Parameters
    ----------
    mean, spread : ndarray of shape (n_latents,)
        Mean and standard deviation of each latent.
    """

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, mean: Floats, mean_square: Floats) -> Everybody:
        """Take the means of rows and of their squares."""
        return cls(mean, np.sqrt(np.maximum(mean_square - mean**2, 0)))


def rows_of(codes: sp.csr_matrix) -> sp.csr_matrix:
    """Square codes, their signs kept, and scale each row to length 1."""
    return unit_rows(codes.multiply(abs(codes)).tocsr())


def direction_of(users: UserCodes, seeds: Positions) -> Direction:
    """Give what sets some users apart, see `weights_between`.

    Raises
    ------
    ValueError
        Without seeds.
    """
    if len(seeds) == 0:
        raise ValueError("expected at least 1 seed, got 0")
    rows = users.rows
    mean, mean_square, of_seeds = (
        np.asarray(one.mean(axis=0)).ravel() for one in (rows, rows.multiply(rows), rows[seeds])
    )
    return Direction(users.version, weights_between(of_seeds, len(seeds), Everybody.of(mean, mean_square)))


def weights_between(seeds: Floats, n_seeds: int, everybody: Everybody) -> Floats:
    """Give by what the mean of some rows differs from everybody's.

    Parameters
    ----------
    seeds : ndarray of shape (n_latents,)
        Mean of the rows.
    n_seeds : int
        How many they are.
    everybody : Everybody
        All rows.

    Returns
    -------
    ndarray of shape (n_latents,)
        The difference where it is beyond chance, everywhere where it nowhere is; of length 1, or 0 where the means are
        the same.
    """
    difference = seeds - everybody.mean
    by_chance = everybody.spread * np.sqrt(2 * np.log(len(difference)) / max(n_seeds, 1))
    beyond = np.where(np.abs(difference) > by_chance, difference, 0)
    weights = beyond if beyond.any() else difference
    length = float(np.linalg.norm(weights))
    return weights / length if length else weights


@dataclass(frozen=True)
class Directions:
    """Several directions, to be searched at once.

    Parameters
    ----------
    hasher : Hasher
        What makes bits.
    weights : ndarray of shape (n_directions, n_latents)
        Each of length 1, or 0.
    """

    hasher: Hasher
    weights: Floats

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def width(self) -> int:
        """Number of latents."""
        return int(self.weights.shape[1])

    def distances(self, rows: sp.csr_matrix) -> NDArray[np.uint16]:
        """Give the Hamming distance of each direction from rows, shape (n_directions, n_rows)."""
        packed = self.hasher.hash_rows(rows)
        return np.stack([hamming_distances(packed, self.hasher.hash_direction(one)) for one in self.weights])


def fixed_sums(rows: sp.csr_matrix, groups: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Add up the rows of each group in whole numbers, which come to the same in any order; see `from_fixed`.

    Parameters
    ----------
    rows : csr_matrix of shape (n_rows, n_latents)
        Of length 1; all sums together may be of 100 million rows.
    groups : ndarray of bool, shape (n_groups, n_rows)

    Returns
    -------
    ndarray of int64, shape (n_groups, n_latents)
    """
    fixed = sp.csr_matrix((np.rint(rows.data * FIXED).astype(np.int64), rows.indices, rows.indptr), rows.shape)
    return np.asarray((sp.csr_matrix(groups.astype(np.int64)) @ fixed).toarray())


def from_fixed(sums: NDArray[np.int64]) -> Floats:
    """Give the sums that `fixed_sums` stands for."""
    return np.asarray(sums / FIXED)


def best(similarity: Floats, names: NDArray[np.object_], top: int) -> Positions:
    """Give the positions of the most similar, the most similar first; of equals, the first by name."""
    return np.lexsort((names, -similarity))[:top]


@dataclass(frozen=True)
class HashedUsers:
    """Users with their binary codes.

    Parameters
    ----------
    users : UserCodes
        Their codes.
    hasher : Hasher
        What made the bits.
    packed : ndarray of uint64, shape (n_users, n_words)
        The bits.
    """

    users: UserCodes
    hasher: Hasher
    packed: Packed

    @classmethod
    def of(cls, users: UserCodes, hasher: Hasher) -> HashedUsers:
        """Hash users."""
        return cls(users, hasher, hasher.hash_rows(users.rows))

    def find(
        self, direction: Direction, eligible: NDArray[np.bool_], *, top: int, per_result: int = CANDIDATES_PER_RESULT
    ) -> tuple[Positions, Floats]:
        """Give the most similar eligible users.

        Parameters
        ----------
        direction : Direction
            See `direction_of`.
        eligible : ndarray of bool, shape (n_users,)
            Who may be found.
        top : int
            How many, at most.
        per_result : int
            Nearest by Hamming distance that are compared exactly, for each one wanted.

        Returns
        -------
        positions : ndarray of int
            The most similar first; of equals, the one that comes first among the users.
        similarity : ndarray of float
            Cosine of each one's code with the direction, -1 to 1.

        Raises
        ------
        MixedEmbeddings
            When the direction is of another embedding.
        """
        if direction.version != self.users.version:
            raise MixedEmbeddings(
                f"codes by embedding {self.users.version}, seeds by {direction.version}: expected one embedding"
            )
        distances = hamming_distances(self.packed, self.hasher.hash_direction(direction.weights))
        near = nearest(distances, eligible, top * per_result)
        similarity = np.asarray(self.users.rows[near] @ direction.weights)
        order = np.argsort(-similarity, kind="stable")[:top]
        return near[order], similarity[order]
