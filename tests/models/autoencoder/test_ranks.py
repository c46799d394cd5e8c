"""Several processes that train together; here they are threads, so that nothing but what they agree on is shared."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone

from models.autoencoder.deep import DeepAutoencoder
from models.autoencoder.networks.active import as_rows
from models.autoencoder.networks.base import Start, initial_weights
from models.autoencoder.networks.topk import TopKNetwork
from models.autoencoder.ranks import ALONE, Ranks
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.warm_start import LastVersion


class Meeting:
    """Where threads lay down a value and take all of them up."""

    def __init__(self, size: int) -> None:
        self.barrier, self.values = threading.Barrier(size, timeout=60), [None] * size

    def all_of(self, rank: int, value: Any) -> list[Any]:
        self.values[rank] = value
        self.barrier.wait()
        found = list(self.values)
        self.barrier.wait()
        return found


class ThreadRanks(Ranks):
    def __init__(self, meeting: Meeting, rank: int) -> None:
        self.meeting, self.rank, self.size = meeting, rank, len(meeting.values)

    def total(self, values):
        return np.sum(self.meeting.all_of(self.rank, values), axis=0)

    def largest(self, value):
        return max(self.meeting.all_of(self.rank, value))

    def any(self, flags):
        return torch.stack(self.meeting.all_of(self.rank, flags)).any(dim=0)

    @torch.no_grad()
    def average(self, tensors):
        for tensor in tensors:
            tensor.copy_(torch.stack(self.meeting.all_of(self.rank, tensor.clone())).mean(dim=0))

    @torch.no_grad()
    def share(self, tensors):
        for tensor in tensors:
            tensor.copy_(self.meeting.all_of(self.rank, tensor.clone())[0])


def together(shards: list[Any], fit: Callable[[Any, Ranks], Any]) -> list[Any]:
    meeting = Meeting(len(shards))
    with ThreadPoolExecutor(len(shards)) as threads:
        futures = [threads.submit(fit, shard, ThreadRanks(meeting, rank)) for rank, shard in enumerate(shards)]
        return [future.result() for future in futures]


def test_halves_together_learn_what_one_process_learns(fitted, counts):
    """A step takes all rows of a shard, and weights begin as they were, so that nothing is left to chance."""
    words = [str(token) for token in range(48)]
    model = clone(fitted).set_params(batch_size=1000, max_epochs=10, validation_fraction=0)

    def fit(rows: sp.csr_matrix, ranks: Ranks) -> TopKAutoencoder:
        return clone(model).fit(rows, last=LastVersion.of(fitted, words, words), ranks=ranks)

    alone, halves = fit(counts, ALONE), together([counts[:500], counts[500:]], fit)

    for name in alone.learned:
        own, other = (getattr(half, name) for half in halves)
        assert np.array_equal(own, other), name
        assert np.linalg.norm(own - getattr(alone, name)) <= 0.02 * np.linalg.norm(getattr(alone, name)) + 1e-4, name
    assert halves[0].history_ == halves[1].history_
    assert halves[0].history_ == pytest.approx(alone.history_, abs=2e-3)


def test_a_latent_is_dead_when_it_fires_nowhere():
    def noted(fired: int, ranks: Ranks) -> list[int]:
        weights = initial_weights(4, 3, np.random.default_rng(0))
        start = Start(weights, np.zeros(4, np.float32), 1.0, 10, np.random.default_rng(0))
        network = TopKNetwork(start, k=1, aux_k=1, aux_weight=0.1, dead_after=10)
        network.ranks = ranks
        network._note_fired(as_rows(torch.ones(5, 1), torch.full((5, 1), fired), 3))
        return network.rows_since_fired.tolist()

    assert together([0, 1], noted) == [[0, 0, 10]] * 2


def test_every_variant_has_one_result_from_uneven_shards(variant, counts):
    model = clone(variant).set_params(max_epochs=2, dropout=0.2, n_threads=None)
    one, other = together([counts[:600], counts[600:]], lambda rows, ranks: clone(model).fit(rows, ranks=ranks))

    assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in one.learned)
    assert one.history_[-1] < 1


def test_layers_are_trained_together_one_after_the_other():
    """Of two shards with other behaviour, the first one's process alone would know its own only."""
    rng = np.random.default_rng(0)
    shards = [np.zeros((400, 12), np.float32) for _ in range(2)]
    for place, rows in enumerate(shards):
        rows[:, 6 * place : 6 * place + 6] = rng.poisson(3 * rng.integers(0, 2, (400, 1)), (400, 6))
    model = DeepAutoencoder(n_latents=4, n_hidden=16, pretrain_epochs=15, max_epochs=1, batch_size=64)

    def fit(rows: np.ndarray, ranks: Ranks) -> DeepAutoencoder:
        return clone(model).set_params(n_threads=None).fit(rows, ranks=ranks)

    alone, (together_, other) = fit(np.vstack(shards), ALONE), together(shards, fit)

    assert all(np.array_equal(getattr(together_, name), getattr(other, name)) for name in other.learned)
    assert together_.history_[0] == pytest.approx(alone.history_[0], abs=0.05)
