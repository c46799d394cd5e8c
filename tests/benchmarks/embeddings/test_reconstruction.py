"""FVU in one scale: that of the embedding's own where the scales are the same, and chosen on other users."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from models.autoencoder.scaling import fit_scaling
from tests.benchmarks.embeddings.grid import THE_DEFAULT, Method
from tests.benchmarks.embeddings.reconstruction import best_of, fvu_in, table
from tests.benchmarks.embeddings.rivals import svd


@pytest.fixture(scope="module")
def counts() -> sp.csr_matrix:
    rng = np.random.default_rng(0)
    rates = np.repeat(3.0 * rng.integers(0, 2, (300, 8)), 5, axis=1) + 0.2
    return sp.csr_matrix(rng.poisson(rates).astype(np.float32))


@pytest.mark.parametrize("floor", [0.5, 1.0])
def test_in_its_own_scale_it_is_the_embedding_s_own(counts: sp.csr_matrix, floor: float) -> None:
    learn, held_out = counts[:200], counts[200:]
    settings = {"n_latents": 12, "k": 3, "max_epochs": 5, "scale_floor": floor}
    scaling = fit_scaling(learn, floor=floor, cap=10.0)
    rival = svd(learn, 16, 0, share=1.0, floor=floor)
    assert fvu_in(scaling, rival, held_out) == pytest.approx(rival.fvu(held_out), rel=1e-4)
    ours = THE_DEFAULT.fit(learn, 16, 0, **settings)
    own = fvu_in(ours.estimator.scaling_, ours, held_out)
    assert own == pytest.approx(ours.fvu(held_out), rel=1e-4)


def test_settings_that_rebuild_best_are_taken(counts: sp.csr_matrix) -> None:
    method = Method("SVD", svd, lambda _: [{"share": share, "floor": 1.0} for share in (0.2, 1.0)])
    found = best_of(method, 16, counts[:200], [counts[200:250], counts[250:]], 0)
    assert found.settings["share"] == 1.0
    assert 0 < found.fvu < 0.6
    assert list(table([found]))[-1].startswith("| SVD | 16.0 of 16 | 0.")
