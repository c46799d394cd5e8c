"""The squared error that builds no rows is that of the rows that it does not build."""

from __future__ import annotations

import pytest
import scipy.sparse as sp
import torch

from models.autoencoder.estimator import Autoencoder
from models.autoencoder.l1 import L1Autoencoder
from models.autoencoder.networks import active, errors
from models.autoencoder.networks.batch import SparseBatch
from models.autoencoder.networks.errors import is_worth_it, squared_deviation, squared_error
from models.autoencoder.predictive import PredictiveAutoencoder
from models.autoencoder.topk import TopKAutoencoder


@pytest.mark.parametrize("per_row", [0, 7])
@pytest.mark.parametrize("worth", [0.0, float("inf")], ids=["dense", "without rows"])
def test_value_and_gradients_are_those_of_the_dense_way(
    per_row: int, worth: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, "WORTH", worth)
    generator = torch.Generator().manual_seed(0)
    counts = sp.random(30, 50, density=per_row / 50, format="csr", dtype="float32", rng=0)
    hidden, weight, bias = (torch.randn(shape, generator=generator) for shape in ((30, 5), (5, 50), (50,)))
    given = [one.clone().requires_grad_() for one in (hidden, weight, bias)]
    expected = [one.double().requires_grad_() for one in (hidden, weight, bias)]

    found = squared_error(SparseBatch.of(counts), *given)
    rows = torch.from_numpy(counts.toarray()).double()
    wanted = (rows - (expected[0] @ expected[1] + expected[2])).square().sum()
    found.backward()
    wanted.backward()

    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
    for own, right in zip(given, expected, strict=True):
        assert torch.allclose(own.grad.double(), right.grad, rtol=1e-4, atol=1e-3)


def test_deviations_are_those_of_the_dense_rows(counts: sp.csr_matrix) -> None:
    mean = torch.rand(counts.shape[1], generator=torch.Generator().manual_seed(0))
    expected = (torch.from_numpy(counts.toarray()) - mean).square().sum()
    assert squared_deviation(SparseBatch.of(counts), mean).item() == pytest.approx(expected.item(), rel=1e-5)


def test_rows_are_built_where_that_is_less_work() -> None:
    assert is_worth_it(n_rows=512, n_tokens=1000, n_non_zeros=20_000, n_hidden=64)
    assert not is_worth_it(n_rows=512, n_tokens=1000, n_non_zeros=20_000, n_hidden=512)
    assert not is_worth_it(n_rows=8, n_tokens=1000, n_non_zeros=300, n_hidden=64)


def test_both_ways_learn_the_same(counts: sp.csr_matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = []
    for worth in (0.0, float("inf")):
        monkeypatch.setattr(errors, "WORTH", worth)
        model = TopKAutoencoder(n_latents=8, k=2, batch_size=128, learning_rate=0.01, max_epochs=10, device="cpu")
        reached.append(model.fit(counts).history_[-1])
    assert reached[0] == pytest.approx(reached[1], abs=0.02)


def test_where_few_latents_are_active_their_rows_alone_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    rows = SparseBatch.of(sp.random(30, 50, density=0.1, format="csr", dtype="float32", rng=0))
    chosen = torch.rand((30, 64), generator=generator) * (torch.rand((30, 64), generator=generator) < 1 / 32)
    weight, bias = (torch.randn(shape, generator=generator) for shape in ((64, 50), (50,)))
    errors_and_gradients = []
    for wide in (active.WIDE, 1000):
        monkeypatch.setattr(active, "WIDE", wide)
        given = [one.clone().requires_grad_() for one in (chosen, weight, bias)]
        found = squared_error(rows, given[0].clone(), *given[1:])
        found.backward()
        errors_and_gradients.append([found, *(one.grad for one in given)])

    (found, *own), (wanted, *right) = errors_and_gradients
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert torch.allclose(own[0], right[0] * (chosen != 0), rtol=1e-4, atol=1e-3)
    assert not own[0][chosen == 0].any()
    assert right[0][chosen == 0].any()
    assert all(torch.allclose(one, other, rtol=1e-4, atol=1e-3) for one, other in zip(own[1:], right[1:], strict=True))


@pytest.mark.parametrize("kind", [L1Autoencoder, PredictiveAutoencoder])
def test_sparse_codes_are_learned_as_if_the_decoder_were_read_in_full(
    kind: type[Autoencoder], counts: sp.csr_matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = []
    for wide in (1, 1000):
        monkeypatch.setattr(active, "WIDE", wide)
        model = kind(n_latents=16, l1=0.2, batch_size=128, learning_rate=0.01, max_epochs=10, device="cpu")
        reached.append(model.fit(counts).history_[-1])
    assert reached[0] == pytest.approx(reached[1], abs=1e-3)
