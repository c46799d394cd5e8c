"""What training must reach and keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA

from models.autoencoder.deep import DeepAutoencoder
from models.autoencoder.devices import torch_device, torch_threads
from models.autoencoder.layers import Layer, SparseRows
from models.autoencoder.measures import fvu
from models.autoencoder.networks.base import Start, initial_weights
from models.autoencoder.networks.batch import SparseBatch
from models.autoencoder.networks.batch_topk import BatchTopKNetwork
from models.autoencoder.networks.topk import TopKNetwork, keep_top_k
from models.autoencoder.scaling import Floats, fit_scaling, total_variance
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.trainer import Trainer, TrainingSettings
from models.autoencoder.undercomplete import UndercompleteAutoencoder
from models.autoencoder.variational import VariationalAutoencoder

SETTINGS = TrainingSettings(
    learning_rate=0.003, batch_size=128, dropout=0.0, noise=0.0, max_epochs=1, patience=1, tol=0.0
)


def test_the_encoder_starts_as_the_transpose_of_a_unit_norm_decoder():
    weights = initial_weights(12, 5, np.random.default_rng(0))

    assert np.array_equal(weights["encoder"], weights["decoder"].T)
    assert np.linalg.norm(weights["decoder"], axis=1) == pytest.approx(np.ones(5))


def test_the_decoder_keeps_unit_norm(fitted):
    assert np.linalg.norm(fitted.decoder_, axis=1) == pytest.approx(np.ones(8), abs=1e-5)


def test_held_out_fvu_falls_and_the_last_epoch_with_progress_is_kept(fitted, counts):
    assert fitted.history_[-1] < fitted.history_[0]
    assert fitted.measures_["fvu"] == pytest.approx(min(fitted.history_), abs=1e-3)
    first = clone(fitted).set_params(tol=10.0, patience=2).fit(counts)
    assert first.history_[2] < first.history_[0]  # better, but by less than tol
    assert first.measures_["fvu"] == pytest.approx(first.history_[0], abs=5e-3)


def test_training_that_diverges_says_so(counts):
    with pytest.raises(ValueError, match=r"training diverged: .* expected a learning_rate .*, got 10"):
        VariationalAutoencoder(n_latents=8, learning_rate=10).fit(counts)
    stream = UndercompleteAutoencoder(n_latents=8).partial_fit(counts)
    stream.encoder_[0, 0] = np.nan
    stream._trainer = None
    with pytest.raises(ValueError, match="training diverged: a weight is no longer a finite number"):
        stream.partial_fit(counts)


@pytest.mark.parametrize("streams", [True, False])
def test_a_latent_of_a_stream_is_not_dead_by_the_length_of_its_first_rows(counts, streams):
    """Of 16 latents with k = 2, one is dead after 8,000 rows, or an epoch where there is one."""
    model = TopKAutoencoder(n_latents=16, k=2)
    trainer = model._first_trainer(counts[:50], np.random.default_rng(0), None, streams=streams)

    assert trainer.network.dead_after == (8000 if streams else 50)


def test_training_stops_when_it_makes_no_progress(fitted, counts):
    hasty = clone(fitted).set_params(tol=10.0, patience=2).fit(counts)

    assert hasty.n_iter_ == 3  # the first epoch is progress, two more are not


def test_planted_interests_are_found(fitted):
    tokens_of_interest = fitted.decoder_.reshape(8, 8, 6).sum(axis=2)

    assert sorted(tokens_of_interest.argmax(axis=1)) == list(range(8))


def test_beats_pca_at_equal_bytes(fitted, new_counts, counts):
    scaled, new = (fitted.scaling_.apply(part).toarray() for part in (counts, new_counts))
    pca = PCA(2, random_state=0).fit(scaled)  # 2 float16 are the 4 bytes of two latents
    rebuilt = pca.inverse_transform(pca.transform(new))

    assert 1 - fitted.score(new_counts) < fvu(new, rebuilt, fitted.mean_) - 0.1


def test_the_auxiliary_loss_revives_dead_latents(counts):
    """Latents that begin far below the others never fire, and without the term nothing tells them how to."""
    dead = {}
    for aux_weight in (0.0, 1 / 32):
        trainer = trainer_of(counts, aux_weight)
        with torch.no_grad():
            trainer.network.encoder[:, 8:] *= 0.02
        scaled = fit_scaling(counts, floor=1.0, cap=10.0).apply(counts)
        for _ in range(10):
            trainer.run_epoch(scaled)
        code = keep_top_k(trainer.network.activations(SparseBatch.of(scaled)), 2)
        dead[aux_weight] = int((code == 0).all(dim=0).sum())

    assert dead[0.0] >= 2
    assert dead[1 / 32] == 0


def trainer_of(counts: sp.csr_matrix, aux_weight: float, *, per_batch: bool = False) -> Trainer:
    """Make a trainer of 16 latents on scaled counts."""
    rng = np.random.default_rng(0)
    scaling = fit_scaling(counts, floor=1.0, cap=10.0)
    variance = total_variance(scaling.apply(counts), scaling.mean)
    weights = initial_weights(48, 16, rng) | {"threshold": np.zeros(1, np.float32)}
    start = Start(weights, scaling.mean, variance, counts.shape[0], rng)
    kind = BatchTopKNetwork if per_batch else TopKNetwork
    network = kind(start, k=2, aux_k=8, aux_weight=aux_weight, dead_after=500)
    return Trainer(network, SETTINGS, rng)


def test_the_gradient_of_the_decoder_is_at_right_angles_to_its_rows(counts):
    network = trainer_of(counts, 0.0).network
    batch = SparseBatch.of(fit_scaling(counts, floor=1.0, cap=10.0).apply(counts[:50]))
    torch.autograd.backward(network.training_loss(batch, batch))
    network.remove_parallel_gradient()

    assert network.decoder.grad is not None
    assert (network.decoder.grad * network.decoder).sum(dim=1).abs().max() < 1e-6


@pytest.mark.parametrize("per_batch", [False, True])
def test_a_wide_dictionary_is_read_where_latents_are_active_and_learned_as_if_read_in_full(
    counts, monkeypatch, per_batch
):
    rows = fit_scaling(counts, floor=1.0, cap=10.0).apply(counts[:50])
    gradients = []
    for wide in (1, 1000):
        monkeypatch.setattr("models.autoencoder.networks.active.WIDE", wide)
        network = trainer_of(counts, 1 / 32, per_batch=per_batch).network
        network.rows_since_fired += 500 * (torch.arange(16) < 4)  # some are dead
        batch = SparseBatch.of(rows)
        torch.autograd.backward(network.training_loss(batch, batch))
        gradients.append([parameter.grad for parameter in network.parameters()])

    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*gradients, strict=True))


def test_dropout_hides_input_and_keeps_its_expectation(counts):
    scaled = fit_scaling(counts, floor=1.0, cap=10.0).apply(counts)
    trainer = trainer_of(counts, 0.0)
    trainer.settings = replace(SETTINGS, dropout=0.4)
    seen = trainer._corrupt(scaled).dense()

    assert float((seen == 0).sum()) == pytest.approx(scaled.shape[0] * 48 - 0.6 * scaled.nnz, rel=0.01)
    assert float(seen.sum()) == pytest.approx(scaled.sum(), rel=0.03)
    assert TopKAutoencoder(n_latents=8, k=2, dropout=0.4, max_epochs=2).fit(counts).n_iter_ == 2


def test_noise_is_seen_and_not_to_be_rebuilt(counts):
    scaled = fit_scaling(counts, floor=1.0, cap=10.0).apply(counts)
    trainer = trainer_of(counts, 0.0)
    trainer.settings = replace(SETTINGS, noise=0.3)
    seen = trainer._corrupt(scaled)
    added = seen.times(torch.eye(48)) - torch.from_numpy(scaled.toarray())

    assert float(added.std()) == pytest.approx(0.3, rel=0.02)
    assert float(added.mean()) == pytest.approx(0.0, abs=0.01)
    assert np.array_equal(seen.dense().numpy(), scaled.toarray())


def test_a_rare_token_does_not_outweigh_a_common_one():
    rows = np.zeros((1000, 2))
    rows[:500, 0] = 1
    rows[0, 1] = 1
    own = fit_scaling(sp.csr_matrix(rows), floor=0.0, cap=1e6)
    floored = fit_scaling(sp.csr_matrix(rows), floor=1.0, cap=1e6)

    assert own.scale[0] / own.scale[1] == pytest.approx(15.8, abs=0.1)  # sqrt(0.25 / 0.000999)
    assert floored.scale[0] / floored.scale[1] < 1.5


def test_scaled_counts_are_capped_and_their_mean_is_known(counts):
    scaling = fit_scaling(counts, floor=1.0, cap=1.5)
    scaled = scaling.apply(counts)

    assert scaled.data.max() == pytest.approx(1.5)
    assert scaled.toarray().mean(axis=0) == pytest.approx(scaling.mean, abs=1e-5)


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with torch_threads(1):
        assert torch.get_num_threads() == 1

    assert torch.get_num_threads() == before


def test_encoding_and_measuring_use_no_more_threads_than_fitting(counts, monkeypatch):
    apply, seen = Layer.__call__, []

    def noted(layer: Layer, rows: SparseRows) -> Floats:
        seen.append(torch.get_num_threads())
        return apply(layer, rows)

    monkeypatch.setattr(Layer, "__call__", noted)
    with torch_threads(3):
        model = DeepAutoencoder(n_latents=4, max_epochs=1, n_threads=2).fit(counts)
        n_measured = len(seen)
        model.score(counts)
        model.inverse_transform(model.transform(counts))

    assert len(seen) > n_measured > 0
    assert set(seen) == {2}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="device is cuda, and PyTorch finds no GPU here"):
        torch_device("cuda")
