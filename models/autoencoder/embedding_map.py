"""A map of users: codes that are alike lie close to each other.

t-SNE by scikit-learn, which the models need anyway; UMAP would bring a compiler (numba) for a picture of some thousand
dots that takes seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.manifold import TSNE, trustworthiness
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from models.autoencoder.measures import CHUNK_ROWS

PERPLEXITY, NEIGHBOURS = 30, 10
LEAST_USERS = 3 * NEIGHBOURS
"""Fewer users make no map."""


@dataclass(frozen=True)
class Map:
    """Users in two dimensions."""

    places: NDArray[np.float64]
    """Shape (n_users, 2), within 0 and 1; both dimensions have the same scale."""
    trustworthiness: float
    """Whether neighbours on the map are neighbours by code (Venna and Kaski 2001): 1 when all ten of each are."""


def draw_map(codes: sp.csr_matrix, *, seed: int) -> Map:
    """Lay out users by the angle between their codes.

    The same codes, seed and number of threads give the same map.

    Parameters
    ----------
    codes : csr_matrix of shape (n_users, n_latents)
        At least `LEAST_USERS` rows, none empty.
    seed : int
        For the randomised start.

    Raises
    ------
    ValueError
        When there are fewer users.
    """
    if codes.shape[0] < LEAST_USERS:
        raise ValueError(f"expected at least {LEAST_USERS} users with a code, got {codes.shape[0]}")
    rows = normalize(codes).toarray().astype(np.float64)
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    found = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1).fit_transform(rows).astype(np.float64)
    low, high = found.min(axis=0), found.max(axis=0)
    places = 0.5 + (found - (low + high) / 2) / (float((high - low).max()) or 1.0)
    return Map(np.clip(places, 0, 1), float(trustworthiness(rows, found, n_neighbors=NEIGHBOURS)))


def rate_about(
    codes: sp.csr_matrix, chosen: NDArray[np.intp], clicks: NDArray[np.float64], sends: NDArray[np.int64], *, k: int
) -> NDArray[np.float64]:
    """Give the click rate of the users whose codes are most alike: one user's few sends tell too little.

    Parameters
    ----------
    codes : csr_matrix of shape (n_users, n_latents)
        Of all users.
    chosen : ndarray of int
        Rows to give a rate for.
    clicks, sends : ndarray of shape (n_users,)
        Sends are at least 1.
    k : int
        How many users count, the user included.
    """
    rows = normalize(codes)
    search = NearestNeighbors(n_neighbors=k, algorithm="brute", n_jobs=1).fit(rows)
    parts = [chosen[start : start + CHUNK_ROWS] for start in range(0, len(chosen), CHUNK_ROWS)]
    near = np.concatenate([search.kneighbors(rows[part], return_distance=False) for part in parts])
    return np.asarray(clicks[near].sum(axis=1) / sends[near].sum(axis=1))
