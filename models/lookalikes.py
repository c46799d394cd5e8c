"""Users who are like those who clicked: a direction from the clickers' codes, a Hamming search, an exact order.

The direction is the mean of the clickers' codes, each scaled to length 1, less the mean of everybody's (Rocchio, 1971):
without that difference, what all users do outweighs what the clickers like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.hamming_search import Positions, hamming_distances, nearest
from models.semantic_hashing import Floats, Hasher, Packed, unit_rows

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
        Of length 1.
    """

    version: str
    rows: sp.csr_matrix

    @classmethod
    def of(cls, version: str, codes: sp.csr_matrix) -> UserCodes:
        """Take codes as the embedding gives them."""
        return cls(version, unit_rows(codes))


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


def direction_of(users: UserCodes, seeds: Positions) -> Direction:
    """Give the mean of some users' rows less that of all.

    Raises
    ------
    ValueError
        Without seeds.
    """
    if len(seeds) == 0:
        raise ValueError("expected at least 1 seed, got 0")
    difference = np.asarray(users.rows[seeds].mean(axis=0) - users.rows.mean(axis=0)).ravel()
    length = float(np.linalg.norm(difference))
    return Direction(users.version, difference / length if length else difference)


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
