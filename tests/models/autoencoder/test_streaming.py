"""Learning block by block: about what all rows at once give, in the pass that was best."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import scipy.sparse as sp

from models.autoencoder.measures import fvu_of
from models.autoencoder.streaming import Block, fit_blocks
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.undercomplete import UndercompleteAutoencoder
from models.autoencoder.warm_start import LastVersion

N_TOKENS, N_ROWS = 40, 1200


def rows_of(n_rows: int, seed: int = 0) -> sp.csr_matrix:
    """Users with 1 or 2 of 8 interests of 5 tokens."""
    rng = np.random.default_rng(seed)
    interests = rng.random((n_rows, 8)) < 0.2
    return sp.csr_matrix(rng.poisson(np.repeat(3.0 * interests, 5, axis=1)).astype(np.float32))


def blocks_of(rows: sp.csr_matrix, n_rows: int) -> list[Block]:
    return [Block(rows[start : start + n_rows], None) for start in range(0, rows.shape[0], n_rows)]


def test_blocks_are_nearly_as_good_as_all_rows_at_once() -> None:
    rows, held_out = rows_of(N_ROWS), rows_of(300, seed=1)
    settings = {"n_latents": 16, "k": 3, "batch_size": 64, "device": "cpu"}
    at_once = TopKAutoencoder(**settings).fit(rows)
    said: list[tuple[int, float]] = []
    model = TopKAutoencoder(**settings, on_epoch=lambda epoch, fvu: said.append((epoch, fvu)))
    fit_blocks(model, lambda: blocks_of(rows, 250), held_out, blocks=["event"] * N_TOKENS)

    assert fvu_of(model, held_out) == pytest.approx(fvu_of(at_once, held_out), abs=0.05)
    assert said == list(enumerate(model.history_, 1))
    assert model.n_iter_ == len(model.history_)
    assert model.measures_["fvu"] == pytest.approx(min(model.history_), abs=model.tol)
    assert set(model.measures_["fvu_by_block"]) == {"event"}


def test_the_best_pass_is_kept_and_learning_stops_after_it() -> None:
    held_out = rows_of(200, seed=1)
    model = UndercompleteAutoencoder(n_latents=4, learning_rate=1.0, patience=2, max_epochs=30, device="cpu")
    fit_blocks(model, lambda: blocks_of(rows_of(300), 100), held_out)

    best = int(np.argmin(model.history_))
    assert len(model.history_) <= best + 1 + model.patience < 30
    assert fvu_of(model, held_out) == pytest.approx(model.history_[best], abs=model.tol)


def test_a_warm_start_begins_at_the_last_version() -> None:
    words = [f"t{token}" for token in range(N_TOKENS)]
    settings = {"n_latents": 16, "k": 3, "batch_size": 64, "device": "cpu"}
    rows, held_out = rows_of(N_ROWS), rows_of(300, seed=1)
    before = TopKAutoencoder(**settings).fit(rows)
    last = LastVersion.of(before, words, words)
    model = fit_blocks(TopKAutoencoder(**settings, max_epochs=1), lambda: blocks_of(rows, 400), held_out, last=last)

    assert last.stability(model, held_out)["matched_cosine"] > 0.9
    with pytest.raises(ValueError, match="expected the same, got"):
        fit_blocks(TopKAutoencoder(n_latents=9), lambda: blocks_of(rows, 400), held_out, last=last)


def test_labels_are_learned_from_too() -> None:
    rows = rows_of(400)
    clicks = (rows[:, :5].sum(axis=1) > 0).astype(np.int64)
    labels = np.column_stack([np.ravel(clicks), np.ones(400, np.int64)])

    def read() -> Iterable[Block]:
        return [Block(rows[start : start + 100], labels[start : start + 100]) for start in range(0, 400, 100)]

    model = fit_blocks(TopKAutoencoder(n_latents=8, k=2, click_weight=0.5, max_epochs=2), read, rows_of(100, seed=1))
    assert len(model.history_) == 2


def test_no_blocks_are_told() -> None:
    with pytest.raises(ValueError, match="expected at least 1 block of rows, got 0"):
        fit_blocks(TopKAutoencoder(), list, rows_of(10))
