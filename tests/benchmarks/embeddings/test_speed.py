"""That the benchmark of speed runs; how fast is its own matter."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.embeddings import speed


def test_every_contender_has_a_rate(monkeypatch):
    monkeypatch.setattr(speed, "TURNS", 1)
    counts = speed.random_counts(60, np.random.default_rng(0))
    models = speed.learned(counts, max_epochs=1)
    encoded, trained = speed.encoding(models["TopK"], counts), speed.training(models, counts, "cpu")

    assert len(encoded) == 3
    assert len(trained) == 3
    assert min([*encoded.values(), *trained.values()]) > 0
