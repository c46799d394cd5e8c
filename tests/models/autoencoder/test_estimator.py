"""The conventions of scikit-learn, and what a user of the codes relies on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from models.autoencoder.topk import TopKAutoencoder

SMALL = {"n_latents": 8, "k": 2, "batch_size": 128, "learning_rate": 0.01}


def test_keeps_the_conventions_of_scikit_learn():
    skipped = [
        result["check_name"]
        for result in check_estimator(TopKAutoencoder(n_latents=4, k=2, max_epochs=3), on_skip=None, on_fail="raise")
        if result["status"] != "passed"
    ]

    assert skipped in ([], ["check_array_api_input"])


def test_a_clone_has_the_settings_and_nothing_learned(fitted):
    copy = clone(fitted).set_params(k=1)

    assert copy.get_params() == fitted.get_params() | {"k": 1}
    with pytest.raises(NotFittedError):
        copy.transform(np.ones((2, 48)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"k": 9, "n_latents": 8}, "k is 9, expected at most n_latents, 8"),
        ({"n_latents": 40_000}, "n_latents is 40000, expected 1 to 32767"),  # an index is 2 bytes
        ({"dropout": 1.0}, r"dropout is 1\.0, expected 0 to 0\.95"),
    ],
)
def test_settings_out_of_their_limits_are_refused(settings, said, counts):
    with pytest.raises(ValueError, match=said):
        TopKAutoencoder(**settings).fit(counts)


def test_negative_counts_and_another_width_are_refused(fitted, counts):
    with pytest.raises(ValueError, match="Negative values"):
        fitted.transform(-counts)
    with pytest.raises(ValueError, match="expecting 48 features"):
        fitted.transform(counts[:, :40])


def test_codes_are_sparse_positive_and_fit_in_float16(fitted, new_counts):
    codes = fitted.transform(new_counts)

    assert sp.issparse(codes)
    assert codes.format == "csr"
    assert codes.shape == (400, 8)
    assert codes.dtype == np.float32
    assert np.diff(codes.indptr).max() <= 2
    assert codes.data.min() > 0
    assert np.array_equal(codes.data, codes.data.astype(np.float16))
    assert codes.has_sorted_indices


def test_sparse_and_dense_input_give_the_same_codes(fitted, new_counts):
    sparse, dense = fitted.transform(new_counts), fitted.transform(new_counts.toarray())

    assert np.array_equal(sparse.toarray(), dense.toarray())


def test_a_code_depends_on_its_row_alone(fitted, new_counts):
    codes = fitted.transform(new_counts).toarray()
    order = np.random.default_rng(0).permutation(400)

    assert np.array_equal(fitted.transform(new_counts[order]).toarray(), codes[order])
    for row in (0, 1, 399):
        assert np.array_equal(fitted.transform(new_counts[row]).toarray()[0], codes[row])


def test_the_same_data_and_seed_give_the_same_weights(fitted, counts):
    one, again, other = (
        clone(fitted).set_params(max_epochs=3, dropout=0.2, random_state=seed).fit(counts) for seed in (0, 0, 1)
    )

    assert all(np.array_equal(getattr(one, name), getattr(again, name)) for name in one.LEARNED)
    assert one.history_ == again.history_
    assert not np.array_equal(one.encoder_, other.encoder_)


def test_a_pickled_copy_gives_the_same_codes(fitted, new_counts):
    copy = pickle.loads(pickle.dumps(fitted))

    assert np.array_equal(copy.transform(new_counts).toarray(), fitted.transform(new_counts).toarray())


def test_users_without_behaviour_have_one_finite_code(fitted, counts):
    rows = sp.csr_matrix((3, 48), dtype=np.float32)
    codes = fitted.transform(rows)

    assert np.isfinite(codes.toarray()).all()
    assert len(np.unique(codes.toarray(), axis=0)) == 1
    assert np.isfinite(fitted.score(rows))
    among_others = clone(fitted).set_params(max_epochs=2).fit(sp.vstack([counts, rows], format="csr"))
    assert np.isfinite(among_others.history_).all()


def test_rows_that_are_all_alike_can_be_fitted():
    model = TopKAutoencoder(n_latents=4, k=2, max_epochs=2).fit(np.ones((20, 6)))

    assert np.isfinite(model.encoder_).all()


def test_counts_come_back_from_codes(fitted, new_counts):
    rebuilt = fitted.inverse_transform(fitted.transform(new_counts))

    assert rebuilt.shape == new_counts.shape
    assert rebuilt.min() >= 0
    assert np.corrcoef(rebuilt.ravel(), new_counts.toarray().ravel())[0, 1] > 0.8


def test_partial_fit_learns_from_a_stream(counts, new_counts):
    stream = TopKAutoencoder(**SMALL)
    scores = [stream.partial_fit(counts[start::3]).score(new_counts) for start in (0, 1, 2, 0, 1, 2)]

    assert stream.n_iter_ == 6
    assert scores[-1] > scores[0] + 0.1


def test_partial_fit_goes_on_from_a_fit(fitted, counts, new_counts):
    further = pickle.loads(pickle.dumps(fitted))
    further.partial_fit(counts)

    assert further.n_iter_ == fitted.n_iter_ + 1
    assert np.array_equal(further.mean_, fitted.mean_)
    assert further.score(new_counts) > fitted.score(new_counts) - 0.05


def test_each_epoch_is_told(counts):
    told: list[tuple[int, float]] = []
    model = TopKAutoencoder(**SMALL, max_epochs=3, on_epoch=lambda epoch, fvu: told.append((epoch, fvu)))
    model.fit(counts)

    assert told == list(enumerate(model.history_, start=1))
