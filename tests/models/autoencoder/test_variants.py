"""What each kind of autoencoder promises of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.autoencoder.batch_topk import BatchTopKAutoencoder
from models.autoencoder.deep import DeepAutoencoder
from models.autoencoder.deep_contractive import DeepContractiveAutoencoder
from models.autoencoder.kl import KLAutoencoder
from models.autoencoder.l1 import L1Autoencoder
from models.autoencoder.networks.base import Start, initial_weights
from models.autoencoder.networks.batch import SparseBatch
from models.autoencoder.networks.deep import DeepNetwork
from models.autoencoder.networks.deep_contractive import DeepContractiveNetwork
from models.autoencoder.networks.penalised import ContractiveNetwork
from models.autoencoder.networks.predictive import PredictiveNetwork
from models.autoencoder.scaling import fit_scaling, total_variance
from models.autoencoder.variational import VariationalAutoencoder

QUICK = {"n_latents": 8, "batch_size": 128, "learning_rate": 0.01, "max_epochs": 8}


def start_of(counts) -> tuple[Start, SparseBatch]:
    """Give untrained weights of 6 latents and some rows."""
    scaling, rng = fit_scaling(counts, floor=1.0, cap=10.0), np.random.default_rng(0)
    scaled = scaling.apply(counts)
    variance = total_variance(scaled, scaling.mean)
    return Start(initial_weights(48, 6, rng), scaling.mean, variance, counts.shape[0], rng), SparseBatch.of(scaled[:20])


def streamed(model, counts):
    """Train without early stopping, which would choose an epoch before a strong penalty shows."""
    model.set_params(learning_rate=0.03)
    for _ in range(10):
        model.partial_fit(counts)
    return model


def test_batch_topk_gives_k_latents_on_average_and_more_to_some(counts, new_counts):
    model = BatchTopKAutoencoder(**QUICK, k=2).fit(counts)
    lengths = np.diff(model.transform(new_counts).indptr)

    assert model.threshold_[0] > 0
    assert lengths.mean() == pytest.approx(2, abs=0.4)
    assert lengths.min() < 2 < lengths.max()


def test_a_higher_l1_penalty_gives_shorter_codes(counts):
    mild, strict = (L1Autoencoder(**QUICK, l1=l1).fit(counts) for l1 in (0.02, 0.5))

    assert strict.measures_["l0"] < mild.measures_["l0"] - 0.5
    assert strict.measures_["bytes_per_user"] < mild.measures_["bytes_per_user"]


def test_kl_draws_mean_activations_to_the_target(counts, new_counts):
    free, drawn = (streamed(KLAutoencoder(**QUICK, target=0.2, kl=kl), counts) for kl in (0.0, 30.0))
    far, near = (np.abs(model.transform(new_counts).toarray().mean(axis=0) - 0.2).max() for model in (free, drawn))

    assert near < 0.1
    assert near < far / 2


def test_the_contractive_penalty_is_the_squared_jacobian(counts):
    start, batch = start_of(counts)
    network = ContractiveNetwork(start, penalty_weight=1.0)

    def code_of(row: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid((row - network.mean) @ network.encoder + network.encoder_bias)

    squares = [torch.autograd.functional.jacobian(code_of, row).square().sum() for row in batch.dense()]
    penalty = float(network.penalty(network.code(batch)).detach())
    assert penalty == pytest.approx(float(torch.stack(squares).mean().detach()), rel=1e-4)


def test_the_deep_contractive_penalty_is_the_squared_jacobian_on_average(counts):
    start, batch = start_of(counts)
    rng = np.random.default_rng(1)
    inner = {f"inner_{name}": value for name, value in initial_weights(6, 3, rng).items()}
    network = DeepContractiveNetwork(replace(start, weights=start.weights | inner), penalty_weight=1.0)

    def code_of(row: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu((row - network.mean) @ network.encoder + network.encoder_bias)
        return hidden @ network.inner_encoder + network.inner_encoder_bias

    squares = [torch.autograd.functional.jacobian(code_of, row).square().sum() for row in batch.dense()]
    hidden = network.activations(batch)
    drawn = torch.stack([network.squared_jacobians(hidden) for _ in range(4000)]).detach()

    assert drawn.std(dim=0).max() > 0.1
    assert drawn.mean(dim=0).numpy() == pytest.approx(torch.stack(squares).detach().numpy(), rel=0.05, abs=1e-6)
    without = network.training_loss(batch, batch) - DeepNetwork.training_loss(network, batch, batch)
    assert 0.3 < float(without.detach()) / float(torch.stack(squares).mean()) < 3


def test_a_deep_contractive_code_has_a_lower_slope(counts, new_counts):
    moved = []
    for contraction in (0.0, 3.0):
        model = DeepContractiveAutoencoder(**QUICK, n_hidden=16, contraction=contraction, value_bits=16).fit(counts)
        more = new_counts + new_counts[np.random.default_rng(0).permutation(400)]
        moved.append(np.linalg.norm((model.transform(more) - model.transform(new_counts)).toarray()))

    assert moved[1] < 0.7 * moved[0]


def test_the_search_for_the_best_code_lowers_its_objective(counts):
    start, batch = start_of(counts)
    network = PredictiveNetwork(start, l1=0.1, prediction=0.5, steps=1)
    predicted, rows = network.code(batch).detach(), batch.dense()

    def objective(code: torch.Tensor) -> float:
        error = (rows - network.decode(code)).square().sum() + 0.5 * (code - predicted).square().sum()
        return float((error + 0.1 * start.variance**0.5 * code.sum()).detach())

    found = [objective(predicted)]
    for network.steps in (1, 5, 300, 600):
        found.append(objective(network.best_code(batch, predicted)))
    assert found[0] > found[1] > found[2] > found[3]
    assert found[3] == pytest.approx(found[4], rel=1e-5)


def test_greedy_pre_training_gives_a_head_start_and_tells_its_epochs(counts):
    told = []
    settings = {**QUICK, "max_epochs": 1, "on_epoch": lambda epoch, fvu: told.append((epoch, fvu))}
    alone, after = (DeepAutoencoder(**settings, n_hidden=16, pretrain_epochs=n).fit(counts) for n in (0, 8))

    assert after.history_[0] < alone.history_[0] - 0.05
    assert told == [(1, alone.history_[0]), *((epoch, None) for epoch in range(1, 17)), (1, after.history_[0])]


def test_a_strong_prior_silences_latents(counts, new_counts):
    free, bound = (streamed(VariationalAutoencoder(**QUICK, beta=beta), counts) for beta in (0.001, 2.0))

    assert np.abs(free.transform(new_counts).toarray()).mean() > 0.3
    assert np.abs(bound.transform(new_counts).toarray()).mean() < 0.1
