"""Codes that are to tell clicks too: what the term is, and that without it nothing changes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from models.autoencoder.held_out import split
from models.autoencoder.labels import Labels
from models.autoencoder.networks.click_head import ClickHead
from models.autoencoder.store import load, save
from models.autoencoder.topk import TopKAutoencoder


def sends_of(counts, seed: int, token: int = 5):
    """Give clicks and sends of each row; clicks follow one token, and every third row has no send."""
    rng = np.random.default_rng(seed)
    sends = np.where(np.arange(counts.shape[0]) % 3, 4, 0)
    has = np.ravel(counts[:, token].toarray()) > 0
    return np.column_stack([rng.binomial(sends, np.where(has, 0.7, 0.05)), sends])


def test_without_weight_labels_change_nothing(variant, counts):
    alone, beside = (clone(variant).set_params(max_epochs=2).fit(counts, y) for y in (None, sends_of(counts, 0)))

    assert all(np.array_equal(getattr(alone, name), getattr(beside, name)) for name in alone.learned)


def test_every_variant_takes_the_term(variant, counts):
    alone, told = (
        clone(variant).set_params(max_epochs=2, click_weight=weight).fit(counts, sends_of(counts, 0))
        for weight in (0.0, 1.0)
    )

    assert not np.array_equal(alone.encoder_, told.encoder_)
    assert np.isfinite(told.history_).all()


def test_the_loss_is_the_log_loss_of_the_sends_in_units_of_the_constant_rate():
    counts = np.array([[1, 3], [0, 2], [2, 2], [0, 0]], np.float32)
    code = torch.tensor([[0.5], [1.5], [-1.0], [9.0]])
    labels = Labels.of(counts, 4)
    head = ClickHead(1, labels)

    assert float(head.loss(code, torch.from_numpy(counts)).detach()) == pytest.approx(1.0)  # it begins at the rate
    with torch.no_grad():
        head.weight.fill_(0.7)
        head.bias.fill_(-0.2)
    clicked = [1, 0, 0, 0, 0, 1, 1]
    p = 1 / (1 + np.exp(-(0.7 * np.repeat([0.5, 1.5, -1.0], [3, 2, 2]) - 0.2)))
    expected = log_loss(clicked, p) / log_loss(clicked, np.full(7, 3 / 7))
    assert float(head.loss(code, torch.from_numpy(counts)).detach()) == pytest.approx(expected, rel=1e-5)


def test_codes_tell_clicks_that_rebuilding_alone_forgets(counts, new_counts):
    """Clicks follow a token by itself, which says nothing of the others and is not worth a latent."""
    train, new = (
        sp.hstack([part, np.random.default_rng(0).integers(0, 2, (part.shape[0], 1))], format="csr", dtype=np.float32)
        for part in (counts, new_counts)
    )
    label = np.ravel(new[:, 48].toarray()) > 0
    found = {}
    for weight in (0.0, 1.0):
        model = TopKAutoencoder(n_latents=8, k=3, batch_size=128, learning_rate=0.01, click_weight=weight)
        codes = model.fit(sp.csr_matrix(train), sends_of(train, 0, token=48)).transform(sp.csr_matrix(new))
        found[weight] = roc_auc_score(label, LogisticRegression().fit(codes, label).predict_proba(codes)[:, 1])

    assert found[1.0] > found[0.0] + 0.1


def test_training_goes_on_while_clicks_are_told_better(counts):
    """The last epochs rebuild no better, but the held-out loss of clicks still falls."""
    model = TopKAutoencoder(n_latents=8, k=3, batch_size=128, learning_rate=0.01, patience=1, max_epochs=40)
    alone, told = (
        clone(model).set_params(click_weight=weight).fit(counts, sends_of(counts, 0)) for weight in (0.0, 30)
    )
    stalls = next(i for i in range(1, told.n_iter_) if told.history_[i] > min(told.history_[:i]) - model.tol)

    assert alone.n_iter_ < 40
    assert stalls + 1 < told.n_iter_


def test_the_version_is_another_one_and_says_so(counts, tmp_path):
    model = TopKAutoencoder(n_latents=4, k=2, max_epochs=1, click_weight=0.5).fit(counts, sends_of(counts, 0))
    manifest = save(model, [str(token) for token in range(48)], tmp_path, {})

    assert manifest["click_weight"] == 0.5
    assert load(tmp_path).estimator.click_weight == 0.5


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (None, r"click_weight is above 0: expected y of shape \(1000, 2\), clicks and sends, got none"),
        (np.zeros(1000), r"got \(1000,\)"),
        (np.tile([2, 1], (1000, 1)), "expected 0 <= clicks <= sends"),
        (np.tile([0, 1], (1000, 1)), "some sends clicked and some not"),
        (np.full((1000, 2), np.nan), "expected 0 <= clicks <= sends"),
    ],
)
def test_labels_that_are_none_are_refused(y, said, counts):
    with pytest.raises(ValueError, match=said):
        TopKAutoencoder(n_latents=8, k=2, click_weight=1.0).fit(counts, y)


def test_a_stream_takes_labels_too(counts):
    stream = TopKAutoencoder(n_latents=8, k=2, click_weight=1.0)
    stream.partial_fit(counts, sends_of(counts, 0)).partial_fit(counts, sends_of(counts, 1))

    assert stream.n_iter_ == 2


@pytest.mark.parametrize("y", [[0, 0], [0, 3], [3, 3]])
def test_a_stream_may_begin_and_go_on_with_rows_of_which_none_or_all_are_clicked(y, counts):
    stream = TopKAutoencoder(n_latents=8, k=2, click_weight=1.0)
    alike = np.tile(y, (1000, 1))
    for labels in (alike, sends_of(counts, 0), alike):
        stream.partial_fit(counts, labels)

    assert stream.n_iter_ == 3
    assert np.isfinite(stream.encoder_).all()
    with pytest.raises(ValueError, match="expected 0 <= clicks <= sends"):
        stream.partial_fit(counts, np.tile([2, 1], (1000, 1)))


def test_all_rows_of_a_user_are_held_out_or_none():
    users = np.random.default_rng(0).integers(0, 40, 300)
    learn, check = split(300, 0.25, np.random.default_rng(1), users)

    assert sorted([*learn, *check]) == list(range(300))
    assert not set(users[learn]) & set(users[check])
    assert len(set(users[check])) == 10
