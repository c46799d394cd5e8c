"""The conventions of scikit-learn, and what a user of the codes relies on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from models.autoencoder.l1 import L1Autoencoder
from models.autoencoder.selection import Everything
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.undercomplete import UndercompleteAutoencoder
from models.autoencoder.variants import ESTIMATORS

SMALL = {"n_latents": 8, "k": 2, "batch_size": 128, "learning_rate": 0.01}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_keeps_the_conventions_of_scikit_learn(name):
    estimator = ESTIMATORS[name](n_latents=4, max_epochs=2)
    skipped = [
        result["check_name"]
        for result in check_estimator(estimator, on_skip=None, on_fail="raise")
        if result["status"] != "passed"
    ]

    assert skipped in ([], ["check_array_api_input"])


def test_a_clone_has_the_settings_and_nothing_learned(variant):
    copy = clone(variant).set_params(tol=0.5)

    assert copy.get_params() == variant.get_params() | {"tol": 0.5}
    with pytest.raises(NotFittedError):
        copy.transform(np.ones((2, 48)))


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (TopKAutoencoder(k=9, n_latents=8), "k is 9, expected at most n_latents, 8"),
        (TopKAutoencoder(n_latents=40_000), "n_latents is 40000, expected 1 to 32767"),  # an index is 2 bytes
        (L1Autoencoder(value_bits=4), "value_bits is 4, expected 8 or 16"),
        (L1Autoencoder(dropout=1.0), r"dropout is 1\.0, expected 0 to 0\.95"),
        (L1Autoencoder(learning_rate=0.0), r"learning_rate is 0\.0, expected 1e-09 to 10"),
        (UndercompleteAutoencoder(activation="sine"), "activation is 'sine', expected one of linear, relu"),
    ],
)
def test_settings_out_of_their_limits_are_refused(estimator, said, counts):
    with pytest.raises(ValueError, match=said):
        estimator.fit(counts)


def test_negative_counts_and_another_width_are_refused(fitted, counts):
    with pytest.raises(ValueError, match="Negative values"):
        fitted.transform(-counts)
    with pytest.raises(ValueError, match="expecting 48 features"):
        fitted.transform(counts[:, :40])


def test_codes_fit_in_a_byte_a_value_and_are_sparse_or_whole(variant, new_counts):
    codes = variant.transform(new_counts)

    assert sp.issparse(codes)
    assert codes.format == "csr"
    assert codes.shape == (400, 8)
    assert codes.dtype == np.float32
    assert codes.has_sorted_indices
    assert len(np.unique(codes.data)) <= 256
    if isinstance(variant.sparse_encoder().selection, Everything):
        assert codes.nnz == 400 * 8
    else:
        assert codes.data.min() > 0


def test_a_code_has_no_more_latents_than_k(fitted, new_counts):
    assert np.diff(fitted.transform(new_counts).indptr).max() <= 2


def test_sparse_and_dense_input_give_the_same_codes(variant, new_counts):
    sparse, dense = variant.transform(new_counts), variant.transform(new_counts.toarray())

    assert np.array_equal(sparse.toarray(), dense.toarray())


def test_a_code_depends_on_its_row_alone(variant, new_counts):
    codes = variant.transform(new_counts).toarray()
    order = np.random.default_rng(0).permutation(400)

    assert np.array_equal(variant.transform(new_counts[order]).toarray(), codes[order])
    for row in (0, 1, 399):
        assert np.array_equal(variant.transform(new_counts[row]).toarray()[0], codes[row])


def test_the_same_data_and_seed_give_the_same_weights(variant, counts):
    one, again, other = (
        clone(variant).set_params(max_epochs=3, dropout=0.2, noise=0.1, random_state=seed, device="cpu").fit(counts)
        for seed in (0, 0, 1)
    )

    assert all(np.array_equal(getattr(one, name), getattr(again, name)) for name in one.learned)
    assert one.history_ == again.history_
    assert not np.array_equal(one.encoder_, other.encoder_)


def test_training_explains_more_than_it_began_with(variant, new_counts):
    assert variant.history_[-1] < variant.history_[0]
    assert variant.measures_["fvu"] == pytest.approx(min(variant.history_), abs=2e-3)  # the codes are what was trained
    assert variant.score(new_counts) > 0.4


def test_a_pickled_copy_gives_the_same_codes(variant, new_counts):
    copy = pickle.loads(pickle.dumps(variant))

    assert np.array_equal(copy.transform(new_counts).toarray(), variant.transform(new_counts).toarray())


def test_users_without_behaviour_have_one_finite_code(variant, counts):
    rows = sp.csr_matrix((3, 48), dtype=np.float32)
    codes = variant.transform(rows)

    assert np.isfinite(codes.toarray()).all()
    assert len(np.unique(codes.toarray(), axis=0)) == 1
    assert np.isfinite(variant.score(rows))
    among_others = clone(variant).set_params(max_epochs=2).fit(sp.vstack([counts, rows], format="csr"))
    assert np.isfinite(among_others.history_).all()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_rows_that_are_all_alike_can_be_fitted(name):
    model = ESTIMATORS[name](n_latents=4, max_epochs=2).fit(np.ones((20, 6)))

    assert all(np.isfinite(getattr(model, learned)).all() for learned in model.learned)


def test_counts_come_back_from_codes(variant, new_counts):
    rebuilt = variant.inverse_transform(variant.transform(new_counts))

    assert rebuilt.shape == new_counts.shape
    assert rebuilt.min() >= 0
    assert np.corrcoef(rebuilt.ravel(), new_counts.toarray().ravel())[0, 1] > 0.5


def test_partial_fit_learns_from_a_stream(counts, new_counts):
    stream = TopKAutoencoder(**SMALL)
    scores = [stream.partial_fit(counts[start::3]).score(new_counts) for start in (0, 1, 2, 0, 1, 2)]

    assert stream.n_iter_ == 6
    assert scores[-1] > scores[0] + 0.1


def test_partial_fit_goes_on_from_a_fit(variant, counts, new_counts):
    further = pickle.loads(pickle.dumps(variant)).partial_fit(counts)
    once_more = pickle.loads(pickle.dumps(further)).partial_fit(counts)

    assert further.n_iter_ == variant.n_iter_ + 1
    assert np.array_equal(once_more.encoder_, further.partial_fit(counts).encoder_)
    assert np.array_equal(further.mean_, variant.mean_)
    assert further.score(new_counts) > variant.score(new_counts) - 0.05


def test_each_epoch_is_told(counts):
    told: list[tuple[int, float]] = []
    model = TopKAutoencoder(**SMALL, max_epochs=3, on_epoch=lambda epoch, fvu: told.append((epoch, fvu)))
    model.fit(counts)

    assert told == list(enumerate(model.history_, start=1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_learns_about_what_a_cpu_learns(variant, counts, new_counts):
    cpu, gpu = (clone(variant).set_params(device=device).fit(counts) for device in ("cpu", "cuda"))

    assert gpu.score(new_counts) == pytest.approx(cpu.score(new_counts), abs=0.1)
    assert isinstance(gpu.encoder_, np.ndarray)
