"""A tiny world with known interests, and one autoencoder fitted on it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from models.autoencoder.estimator import Autoencoder
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.variants import ESTIMATORS

N_INTERESTS, N_TOKENS = 8, 48

VARIANTS = {
    name: variant(
        **{"n_latents": 8, "batch_size": 128, "learning_rate": 0.01, "max_epochs": 10},
        **({"k": 2} if "k" in variant().get_params() else {}),
    )
    for name, variant in ESTIMATORS.items()
}
"""One small estimator of every kind, not fitted."""


def planted_counts(n_users: int, seed: int) -> sp.csr_matrix:
    """Users with 1 or 2 of 8 interests, each of 6 tokens of its own, and a little noise over all tokens."""
    rng = np.random.default_rng(seed)
    rates = np.full((n_users, N_TOKENS), 0.05)
    for user in range(n_users):
        for interest in rng.choice(N_INTERESTS, size=rng.integers(1, 3), replace=False):
            rates[user, interest * 6 : interest * 6 + 6] += rng.uniform(2, 6)
    return sp.csr_matrix(rng.poisson(rates).astype(np.float32))


@pytest.fixture(scope="session")
def counts() -> sp.csr_matrix:
    return planted_counts(1000, seed=1)


@pytest.fixture(scope="session")
def new_counts() -> sp.csr_matrix:
    return planted_counts(400, seed=2)


@pytest.fixture(scope="session")
def fitted(counts: sp.csr_matrix) -> TopKAutoencoder:
    return TopKAutoencoder(n_latents=8, k=2, batch_size=128, learning_rate=0.01, max_epochs=30).fit(counts)


@pytest.fixture(scope="session", params=VARIANTS)
def variant(request: pytest.FixtureRequest, counts: sp.csr_matrix) -> Autoencoder:
    """Give one fitted estimator of every kind."""
    return clone(VARIANTS[request.param]).fit(counts)
