"""That the benchmark of speed runs; how fast is its own matter."""

from __future__ import annotations

import numpy as np

from models.autoencoder.topk import TopKAutoencoder
from tests.benchmarks.embeddings import speed


def test_every_contender_has_a_rate(monkeypatch):
    monkeypatch.setattr(speed, "TURNS", 1)
    counts = speed.random_counts(60, np.random.default_rng(0))
    model = TopKAutoencoder(n_latents=speed.N_LATENTS, k=speed.K, max_epochs=1, device="cpu").fit(counts)
    encoded, trained = speed.encoding(model, counts), speed.training(model, counts, "cpu")

    assert len(encoded) == 3
    assert len(trained) == 2
    assert min([*encoded.values(), *trained.values()]) > 0
