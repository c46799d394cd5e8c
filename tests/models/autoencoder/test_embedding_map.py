"""The map keeps neighbours together, and what drives a latent is what it was learned from."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from models.autoencoder.drivers import drivers
from models.autoencoder.embedding_map import LEAST_USERS, draw_map, rate_about
from models.autoencoder.measures import firing_rates
from models.autoencoder.topk import TopKAutoencoder

TOKENS_OF_AN_INTEREST = 6


def test_a_latent_is_driven_by_the_tokens_of_one_interest(fitted: TopKAutoencoder, counts: sp.csr_matrix) -> None:
    codes = fitted.transform(counts)
    used = [int(latent) for latent in np.flatnonzero(firing_rates(codes) > 0.05)]
    assert used
    found = {latent: drivers(fitted, latent, codes[:, latent].data.mean()) for latent in used}
    for ones in found.values():
        assert len({one.token // TOKENS_OF_AN_INTEREST for one in ones}) == 1
        assert all(one.having > one.without + 0.5 for one in ones)
    assert len({ones[0].token // TOKENS_OF_AN_INTEREST for ones in found.values()}) == len(used)


def test_drivers_are_decoder_weights_in_input_units(fitted: TopKAutoencoder) -> None:
    """Where the decoder is linear and no count is cut at 0."""
    (one, *_) = drivers(fitted, 0, 5.0, most=1)
    weights = 5.0 * fitted.decoder_[0] * fitted.scale_
    assert one.token == np.argmax(weights)
    without = max(float(fitted.decoder_bias_[one.token] + fitted.mean_[one.token]) * fitted.scale_[one.token], 0)
    assert np.log1p(one.without) == pytest.approx(without, abs=1e-5)
    assert np.log1p(one.having) == pytest.approx(without + weights[one.token], rel=1e-2)


@pytest.fixture(scope="module")
def some_codes(fitted: TopKAutoencoder, new_counts: sp.csr_matrix) -> sp.csr_matrix:
    codes = fitted.transform(new_counts)
    return codes[codes.getnnz(axis=1) > 0][:150]


def test_neighbours_by_code_are_neighbours_on_the_map(some_codes: sp.csr_matrix) -> None:
    drawn = draw_map(some_codes, seed=3)
    assert drawn.places.shape == (some_codes.shape[0], 2)
    assert (drawn.places.min(), drawn.places.max()) == pytest.approx((0, 1))
    assert drawn.trustworthiness > 0.95
    top = some_codes.toarray().argmax(axis=1)
    distance = np.linalg.norm(drawn.places[:, None] - drawn.places, axis=2) + 9 * np.eye(len(top))
    assert np.mean(top[distance.argmin(axis=1)] == top) > 0.8
    assert np.array_equal(draw_map(some_codes, seed=3).places, drawn.places)


def test_too_few_users_make_no_map(some_codes: sp.csr_matrix) -> None:
    with pytest.raises(ValueError, match=f"at least {LEAST_USERS} users with a code, got 29"):
        draw_map(some_codes[:29], seed=0)


def test_a_dot_has_the_click_rate_of_the_users_most_like_it() -> None:
    codes = sp.csr_matrix(np.array([[1, 0], [2, 0.1], [3, 0.1], [0, 5], [0.2, 1]], dtype=np.float32))
    clicks, sends = np.array([1.0, 0, 1, 4, 0]), np.array([2, 1, 5, 4, 6])
    rate = rate_about(codes, np.array([0, 4]), clicks, sends, k=2)
    assert rate.tolist() == [(1 + 1) / (2 + 5), (0 + 4) / (6 + 4)]
