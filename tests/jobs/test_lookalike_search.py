"""The search in tasks: what one process finds that holds everybody, however users lie in partitions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from pyspark.sql import DataFrame, SparkSession

from jobs.lookalike_search import lookalikes, means_of
from models.lookalikes import Direction, Directions, HashedUsers, UserCodes, direction_of, weights_between
from models.semantic_hashing import LinearHasher, fit_itq

N_USERS, N_LATENTS, TOP = 900, 6, 5
SCHEMA = (
    "user_id string, latents array<smallint>, latent_values array<float>, sent array<int>, clicked array<int>, "
    "reachable boolean"
)


@pytest.fixture(scope="module")
def codes() -> sp.csr_matrix:
    """Few different codes, so that many users are equally like a campaign's clickers."""
    values = np.random.default_rng(0).integers(0, 3, (N_USERS, N_LATENTS)) * 0.5
    return sp.csr_matrix(values.astype(np.float32))


@pytest.fixture(scope="module")
def met() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who clicked and who was sent two campaigns, shape (2, N_USERS), and who may be sent to."""
    rng = np.random.default_rng(1)
    return rng.random((2, N_USERS)) < 0.05, rng.random((2, N_USERS)) < 0.2, rng.random(N_USERS) < 0.9


@pytest.fixture(scope="module")
def users(spark: SparkSession, codes: sp.csr_matrix, met: tuple[np.ndarray, ...]) -> DataFrame:
    clicked, sent, reachable = met
    rows = []
    for user in range(N_USERS):
        own = codes[user]
        places = [np.flatnonzero(flags[:, user]).tolist() or None for flags in (sent, clicked)]
        rows.append((f"u{user:03}", own.indices.tolist(), own.data.tolist(), *places, bool(reachable[user])))
    return spark.createDataFrame(rows, SCHEMA)


def test_partitions_make_no_difference(users: DataFrame, codes: sp.csr_matrix, met: tuple[np.ndarray, ...]) -> None:
    clicked, sent, reachable = met
    everybody = UserCodes.of("v1", codes)
    hasher: LinearHasher = fit_itq(everybody.rows, bits=16)
    means = [means_of(users.repartition(n), N_LATENTS, 2) for n in (1, 4)]
    assert np.array_equal(means[0].clickers, means[1].clickers)  # to the bit
    for name in ("mean", "spread"):
        assert np.array_equal(*(getattr(one.everybody, name) for one in means))
    assert means[0].n_clickers.tolist() == clicked.sum(axis=1).tolist()

    of_campaigns = zip(means[0].clickers, means[0].n_clickers.tolist(), strict=True)
    weights = np.array([weights_between(one, n, means[0].everybody) for one, n in of_campaigns])
    exact = [direction_of(everybody, np.flatnonzero(one)).weights for one in clicked]
    assert weights == pytest.approx(np.array(exact), abs=1e-8)

    hashed = HashedUsers.of(everybody, hasher)
    for frame in (users.repartition(4), users.coalesce(1)):
        found = lookalikes(frame, Directions(hasher, weights), TOP).orderBy("campaign", "rank").collect()
        assert len(found) == 2 * TOP
        for campaign in (0, 1):
            own = [row for row in found if row["campaign"] == campaign]
            direction = Direction("v1", weights[campaign])
            expected, similarity = hashed.find(direction, reachable & ~sent[campaign], top=TOP)
            assert [row["user_id"] for row in own] == [f"u{user:03}" for user in expected]
            assert [row["rank"] for row in own] == [1, 2, 3, 4, 5]
            assert [row["similarity"] for row in own] == pytest.approx(similarity.tolist(), abs=1e-12)


def test_nobody_may_be_found(users: DataFrame, codes: sp.csr_matrix) -> None:
    hasher = fit_itq(UserCodes.of("v1", codes).rows, bits=8)
    nobody = users.withColumn("reachable", users.reachable & False)
    assert lookalikes(nobody, Directions(hasher, np.eye(2, N_LATENTS)), TOP).count() == 0
