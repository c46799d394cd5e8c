"""The measures on cases small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from models.autoencoder.measures import (
    blocks_of,
    dead_fraction,
    firing_rates,
    firing_spread,
    fvu,
    fvu_by_block,
    fvu_of,
    l0,
    linear_cka,
    matched_cosine,
    matched_share,
    measure,
)


def test_fvu_is_error_over_deviation_from_the_training_mean():
    X, mean = np.array([[1.0, 0.0], [3.0, 4.0]]), np.array([1.0, 2.0])

    assert fvu(X, X, mean) == 0.0
    assert fvu(X, np.tile(mean, (2, 1)), mean) == 1.0
    # errors 1 + 4, deviations (0 + 4) + (4 + 4); by the rows' own mean it would be 5 / 10
    assert fvu(X, np.array([[1.0, 1.0], [1.0, 4.0]]), mean) == pytest.approx(5 / 12)


def test_l0_and_dead_fraction():
    codes = sp.csr_matrix(np.array([[0.0, 2.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]]))

    assert l0(codes) == 1.5
    assert dead_fraction(codes) == 0.5
    dense = sp.csr_matrix((np.zeros(2), [0, 1], [0, 2]), shape=(1, 2))
    assert (l0(dense), dead_fraction(dense)) == (0.0, 1.0)  # a zero that is stored has not fired


def test_an_estimator_is_measured_by_its_codes(fitted, new_counts):
    scaled = fitted.scaling_.apply(new_counts).toarray()
    codes = fitted.transform(new_counts)
    found = measure(fitted, new_counts)

    assert found["fvu"] == pytest.approx(fvu(scaled, fitted.rebuild(codes), fitted.mean_))
    assert found["l0"] == codes.nnz / 400
    assert found["bytes_per_user"] == 4
    assert found["firing_spread"] == firing_spread(codes)
    assert fitted.score(new_counts) == pytest.approx(1 - found["fvu"])


def test_fvu_of_a_block_is_that_of_its_tokens(fitted, new_counts, monkeypatch):
    blocks = blocks_of([f"{'event' if token < 20 else 'sent'}:a:{token}" for token in range(47)] + ["age"])
    scaled, rebuilt = fitted.scaling_.apply(new_counts).toarray(), fitted.rebuild(fitted.transform(new_counts))
    columns = {"event": slice(20), "sent": slice(20, 47), "": slice(47, 48)}
    expected = {name: fvu(scaled[:, of], rebuilt[:, of], fitted.mean_[of]) for name, of in columns.items()}
    monkeypatch.setattr("models.autoencoder.measures.CHUNK_ROWS", 7)

    assert fvu_by_block(fitted, new_counts, blocks) == pytest.approx(expected)
    assert measure(fitted, new_counts, blocks)["fvu_by_block"].keys() == expected.keys()
    assert fitted.measures_.keys() == measure(fitted, new_counts).keys()


def test_fvu_does_not_depend_on_the_chunks(fitted, new_counts, monkeypatch):
    whole = fvu_of(fitted, new_counts)
    monkeypatch.setattr("models.autoencoder.measures.CHUNK_ROWS", 7)

    assert fvu_of(fitted, new_counts) == pytest.approx(whole)


def test_the_spread_of_firing_rates():
    even, one = sp.csr_matrix(np.eye(4)), sp.csr_matrix(np.array([[0.0, 0.0, 0.0, 5.0]] * 4))

    assert firing_rates(one).tolist() == [0.0, 0.0, 0.0, 1.0]
    assert firing_spread(even) == pytest.approx(0.0)
    assert firing_spread(one) == pytest.approx(0.75)  # (n - 1) / n
    assert firing_spread(sp.csr_matrix((3, 4))) == 0.0


def test_dictionaries_are_matched_whatever_their_order_and_scale():
    decoder = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])

    assert matched_cosine(decoder, 3 * decoder[::-1]) == pytest.approx(1.0)
    assert matched_cosine(decoder, [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]) == pytest.approx(0.5)
    # one row is nearest to both, but it can be matched to one only
    assert matched_cosine(decoder, [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) == pytest.approx(0.5**0.5 / 2)
    assert matched_share(decoder, [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) == 0.5  # a cosine of 0.71, and one of 0
    assert matched_share(decoder, [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], least=0.8) == 0.0


def test_codes_are_compared_whatever_their_rotation():
    rng = np.random.default_rng(0)
    codes, noise = (sp.csr_matrix(rng.standard_normal((2000, 3))) for _ in range(2))
    rotation, _ = np.linalg.qr(rng.standard_normal((3, 3)))

    assert linear_cka(codes, codes) == pytest.approx(1.0)
    assert linear_cka(codes, sp.csr_matrix(5 * codes @ rotation + 1)) == pytest.approx(1.0)
    assert linear_cka(codes, noise) < 0.01
    assert linear_cka(codes, sp.csr_matrix(np.ones((2000, 2)))) == pytest.approx(0.0)
    # by the definition: centred kernels of users
    centred = [one.toarray() - one.toarray().mean(axis=0) for one in (codes, noise)]
    kernels = [one @ one.T for one in centred]
    expected = (kernels[0] * kernels[1]).sum() / np.prod([np.linalg.norm(kernel) for kernel in kernels])
    assert linear_cka(codes, noise) == pytest.approx(expected)
