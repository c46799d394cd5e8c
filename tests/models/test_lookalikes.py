"""Who clicked stands for an interest; who shares it is found, by bits first and exactly at last."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from models.hamming_search import hamming_distances, nearest
from models.lookalikes import (
    Direction,
    Everybody,
    HashedUsers,
    MixedEmbeddings,
    UserCodes,
    direction_of,
    rows_of,
    weights_between,
)
from models.semantic_hashing import fit_itq, random_planes, unit_rows

N_USERS, N_LATENTS, N_INTERESTS = 3000, 24, 6


@pytest.fixture(scope="module")
def interest() -> np.ndarray:
    return np.random.default_rng(0).integers(0, N_INTERESTS, N_USERS)


@pytest.fixture(scope="module")
def users(interest: np.ndarray) -> UserCodes:
    """Each interest drives 4 latents; all latents are noisy, and the first is large for everybody."""
    rng = np.random.default_rng(1)
    codes = rng.exponential(0.3, (N_USERS, N_LATENTS))
    for own in range(4):
        codes[np.arange(N_USERS), 4 * interest + own] += rng.exponential(1.0, N_USERS)
    codes[:, 0] += 2
    return UserCodes.of("v1", sp.csr_matrix(codes * (codes > 0.3)))


@pytest.fixture(scope="module")
def hashed(users: UserCodes) -> HashedUsers:
    return HashedUsers.of(users, fit_itq(users.rows, bits=32))


def test_distances_and_their_radius_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2**63, (70_000, 2), dtype=np.uint64)  # more than a chunk
    found = hamming_distances(codes, codes[5])
    checked = [0, 5, 65_535, 65_536, 69_999]
    assert [found[i] for i in checked] == [
        sum((int(a) ^ int(b)).bit_count() for a, b in zip(codes[i], codes[5], strict=True)) for i in checked
    ]
    eligible = rng.random(len(codes)) < 0.5
    near = nearest(found, eligible, 100)
    assert eligible[near].all()
    assert len(near) >= 100
    others = np.setdiff1d(np.flatnonzero(eligible), near)
    assert found[others].min() > found[near].max()  # ties are all in


def test_more_are_wanted_than_there_are(hashed: HashedUsers) -> None:
    eligible = np.zeros(N_USERS, dtype=bool)
    eligible[[3, 8]] = True
    positions, _ = hashed.find(direction_of(hashed.users, np.arange(9)), eligible, top=50)
    assert sorted(positions) == [3, 8]
    nobody, _ = hashed.find(direction_of(hashed.users, np.arange(9)), np.zeros(N_USERS, dtype=bool), top=50)
    assert len(nobody) == 0


@pytest.mark.parametrize("bits", [1, 8, 24, 64, 70])
def test_codes_have_the_bits_that_were_asked_for(users: UserCodes, bits: int) -> None:
    hasher = fit_itq(users.rows, bits=bits)
    packed = hasher.hash_rows(users.rows)
    assert hasher.bits == bits
    assert packed.shape == (N_USERS, -(-bits // 64))
    signs = (users.rows.toarray() - hasher.mean) @ hasher.planes > 0
    assert np.array_equal(np.bitwise_count(packed).sum(axis=1), signs.sum(axis=1))


def test_a_turn_keeps_angles_and_is_learned(users: UserCodes) -> None:
    planes = fit_itq(users.rows, bits=N_LATENTS).planes
    assert np.allclose(planes.T @ planes, np.eye(N_LATENTS))
    losses = [quantisation_loss(users, fit_itq(users.rows, bits=N_LATENTS, iterations=n).planes) for n in (0, 50)]
    assert losses[1] < losses[0]


def quantisation_loss(users: UserCodes, planes: np.ndarray) -> float:
    turned = (users.rows.toarray() - users.rows.toarray().mean(axis=0)) @ planes
    return float(((np.where(turned > 0, 1, -1) - turned) ** 2).sum())


def test_clickers_stand_for_their_interest(hashed: HashedUsers, interest: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    mine = np.flatnonzero(interest == 2)
    seeds = np.concatenate([mine[:60], rng.choice(N_USERS, 40)])  # many click for no reason
    eligible = np.ones(N_USERS, dtype=bool)
    eligible[seeds] = False
    positions, similarity = hashed.find(direction_of(hashed.users, seeds), eligible, top=100)
    assert not set(positions) & set(seeds)
    assert (interest[positions] == 2).mean() > 0.9  # chance: 1/6
    assert (np.diff(similarity) <= 0).all()
    exact = hashed.users.rows @ direction_of(hashed.users, seeds).weights
    assert np.allclose(similarity, exact[positions])


def test_all_candidates_make_the_exact_search(hashed: HashedUsers) -> None:
    direction, eligible = direction_of(hashed.users, np.arange(50)), np.arange(N_USERS) >= 50
    positions, _ = hashed.find(direction, eligible, top=40, per_result=N_USERS)
    exact = np.where(eligible, hashed.users.rows @ direction.weights, -np.inf)
    assert list(positions) == list(np.argsort(-exact, kind="stable")[:40])


def test_two_embeddings_do_not_mix(hashed: HashedUsers) -> None:
    with pytest.raises(MixedEmbeddings, match="codes by embedding v1, seeds by v2: expected one embedding"):
        hashed.find(Direction("v2", np.ones(N_LATENTS)), np.ones(N_USERS, dtype=bool), top=1)


def test_nothing_to_learn_from_is_named(users: UserCodes) -> None:
    with pytest.raises(ValueError, match="expected at least 1 seed, got 0"):
        direction_of(users, np.array([], dtype=np.int64))
    with pytest.raises(ValueError, match="expected rows and at least 1 bit, got 0 rows"):
        fit_itq(users.rows[:0], bits=8)


def test_an_empty_row_stays_empty_and_others_have_length_1() -> None:
    rows = unit_rows(sp.csr_matrix(np.array([[3.0, 4.0], [0.0, 0.0]])))
    assert np.allclose(rows.toarray(), [[0.6, 0.8], [0.0, 0.0]])


def test_rows_are_squares_with_their_signs() -> None:
    rows = rows_of(sp.csr_matrix(np.array([[2.0, -1.0, 0.0], [0.0, 0.0, 0.0]])))
    assert np.allclose(rows.toarray(), np.array([[4.0, -1.0, 0.0], [0.0, 0.0, 0.0]]) / np.sqrt(17))


@pytest.mark.parametrize(
    ("n_seeds", "expected"),
    [
        (100, [0.6, 0.0, -0.8]),  # beyond chance is what exceeds 0.1 * sqrt(2 ln 3) = 0.148
        (1, [0.588348, 0.196116, -0.784465]),  # nothing is beyond chance: all counts
    ],
)
def test_a_direction_holds_what_is_beyond_chance(n_seeds: int, expected: list[float]) -> None:
    everybody = Everybody.of(np.full(3, 0.5), np.full(3, 1.25))  # spread 1
    weights = weights_between(np.array([0.8, 0.6, 0.1]), n_seeds, everybody)
    assert weights == pytest.approx(np.array(expected), abs=1e-6)


def test_the_same_seed_gives_the_same_bits(users: UserCodes) -> None:
    for learn in (fit_itq, random_planes):
        assert np.array_equal(*(learn(users.rows, bits=40, seed=3).hash_rows(users.rows) for _ in range(2)))
