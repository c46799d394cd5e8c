"""What is out of line is found, told apart from what is only much, and explained."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from models.anomalies import PEERS, PeerScale, out_of_line, rebuild_errors, surprises
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.topk import TopKAutoencoder


def test_errors_are_distances_in_the_scaled_space(variant: Autoencoder, new_counts: sp.csr_matrix) -> None:
    scaled = variant.scaling_.apply(new_counts).toarray()
    rebuilt = variant.rebuild(variant.transform(new_counts))
    expected = [np.linalg.norm(one - other) for one, other in zip(scaled, rebuilt, strict=True)]
    assert rebuild_errors(variant, new_counts) == pytest.approx(expected, rel=1e-4)
    assert rebuild_errors(variant, new_counts[:0]).shape == (0,)


def test_users_are_held_against_those_who_did_as_much() -> None:
    """Errors are 1 for few events and 9 for many, give or take; 5 is much for the ones and little for the others."""
    rng = np.random.default_rng(0)
    events = np.repeat([10.0, 90.0], PEERS)
    error = np.where(events == 10, 1.0, 9.0) + rng.normal(0, 0.1, 2 * PEERS)
    scale = PeerScale.fit(error, events)
    low, high, between = scale.score(np.array([5.0, 5.0, 5.0]), np.array([10.0, 90.0, 50.0]))
    assert low > 25
    assert high < -25
    assert abs(between) < 1
    assert scale.score(np.array([9.0]), np.array([10_000.0])) == pytest.approx(scale.score([9.0], np.array([90.0])))


def test_the_scale_is_robust_and_does_not_hang_on_the_order() -> None:
    rng = np.random.default_rng(1)
    events, error = rng.integers(1, 40, 900).astype(float), rng.normal(5, 1, 900)
    scores = PeerScale.fit(error, events).score(error, events)
    assert np.median(scores) == pytest.approx(0, abs=0.1)
    assert np.std(scores) == pytest.approx(1, abs=0.1)
    error[:30] = 1000  # anomalies move mean and deviation, not these
    moved = PeerScale.fit(error, events).score(error, events)
    assert np.abs(moved[30:] - scores[30:]).max() < 0.5
    order = rng.permutation(900)
    assert np.array_equal(PeerScale.fit(error[order], events[order]).score(error, events), moved)


def test_equal_users_make_nobody_infinitely_strange() -> None:
    events = np.repeat([1.0, 50.0], PEERS)
    error = np.concatenate([np.full(PEERS, 2.0), np.linspace(4, 8, PEERS)])
    assert 1 < PeerScale.fit(error, events).score(np.array([3.0]), np.array([1.0]))[0] < 100
    assert PeerScale.fit(np.array([2.0]), np.array([1.0])).score(np.array([2.0]), np.array([1.0])) == 0


def test_random_behaviour_is_out_of_line_and_much_behaviour_is_not(
    fitted: TopKAutoencoder, new_counts: sp.csr_matrix
) -> None:
    rng = np.random.default_rng(5)
    bots = sp.csr_matrix(rng.poisson(1.0, (8, new_counts.shape[1])).astype(np.float32))
    everyone = sp.csr_matrix(sp.vstack([bots, 3 * new_counts[:8], new_counts]))
    events = np.asarray(everyone.sum(axis=1), dtype=float).ravel()
    error = rebuild_errors(fitted, everyone)
    scores = PeerScale.fit(error, events, peers=50).score(error, events)
    found = out_of_line(scores, limit=4, most_share=8 / len(scores))
    assert set(found.tolist()) == set(range(8))
    assert np.median(events[8:16]) > events[:8].max()


def test_what_sticks_out_is_what_was_added(fitted: TopKAutoencoder) -> None:
    counts = np.zeros((1, 48), dtype=np.float32)
    counts[0, :6] = [4, 5, 3, 4, 6, 4]  # the tokens of one interest
    counts[0, 40] = 9  # of another one, alone
    first, *others = surprises(fitted, sp.csr_matrix(counts))
    assert (first.token, first.count) == (40, 9)
    assert first.expected < 4
    assert len(others) == 2


@pytest.mark.parametrize(
    ("limit", "most_share", "flagged"), [(4.0, 1.0, [3, 0, 4]), (4.0, 0.4, [3, 0]), (4.0, 0.2, [3]), (99.0, 1.0, [])]
)
def test_the_limit_counts_itself_and_the_share_is_of_those_judged(
    limit: float, most_share: float, flagged: list[int]
) -> None:
    score = np.array([5.0, 3.9, np.nan, 7.0, 4.0, -8.0])
    assert out_of_line(score, limit=limit, most_share=most_share).tolist() == flagged
