"""A retrain that goes on from the last version, on another vocabulary and in another scale."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

from models.autoencoder.scaling import fit_scaling
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.undercomplete import UndercompleteAutoencoder
from models.autoencoder.warm_start import LastVersion

BEFORE = [f"event:{number}" for number in range(48)]
GONE, NEW = 4, 2
TODAY = [*BEFORE[:GONE:-1], "event:new", "event:newer"]
"""In another order, without the first few tokens, with two new ones behind."""


def today(counts: sp.csr_matrix) -> sp.csr_matrix:
    """Give the same behaviour in today's columns."""
    kept = counts[:, :GONE:-1]
    return sp.csr_matrix(sp.hstack([kept, sp.csr_matrix((counts.shape[0], NEW))], format="csr", dtype=np.float32))


def with_new_tokens(counts: sp.csr_matrix) -> sp.csr_matrix:
    return sp.csr_matrix(today(counts) + sp.hstack([sp.csr_matrix((counts.shape[0], 43)), counts[:, :NEW]]))


def test_before_anything_is_learned_codes_are_what_they_were(variant, counts, new_counts):
    """In another scale, for users who have none of the tokens that are gone."""
    last = LastVersion.of(variant, BEFORE, TODAY)
    scaling = fit_scaling(today(counts[:300]), floor=0.1, cap=100.0)
    moved = clone(variant).set_params(scale_cap=100.0)
    moved.mean_, moved.scale_, moved.n_features_in_ = scaling.mean, scaling.scale, 45
    cold = {name: np.full_like(value, 9) for name, value in cold_weights(variant).items()}
    moved._set_weights(last.start(cold, scaling))
    before = clone(variant).set_params(scale_cap=100.0)
    for name in variant.learned:
        setattr(before, name, getattr(variant, name))
    before.n_features_in_ = 48
    users = sp.csr_matrix(new_counts @ sp.diags_array(np.arange(48) > GONE, dtype=np.float32))

    assert moved.transform(today(users)).toarray() == pytest.approx(
        before.transform(users).toarray(), rel=0.13, abs=0.02
    )
    rebuilt, was = moved.rebuild(moved.transform(today(users))), before.rebuild(before.transform(users))
    in_old_scale = rebuilt[:, last.here] * (moved.scale_[last.here] / before.scale_[last.there])
    assert in_old_scale == pytest.approx(was[:, last.there], rel=0.15, abs=0.15)  # codes are rounded
    assert (moved.decoder_[:, -NEW:] == 9).all()


def cold_weights(variant) -> dict[str, np.ndarray]:
    """Give arrays of the shapes of a cold start on today's vocabulary."""
    shapes = {"encoder": (45, 8), "spread": (45, 8), "decoder": (8, 45), "decoder_bias": (45,)}
    if "n_hidden" in variant.get_params():
        shapes |= {"encoder": (45, 64), "decoder": (64, 45)}
    weights = {name: getattr(variant, f"{name}_") for name in variant.WEIGHTS}
    return {name: np.zeros(shapes.get(name, value.shape), np.float32) for name, value in weights.items()}


def test_every_variant_goes_on_with_new_tokens(variant, counts):
    last = LastVersion.of(variant, BEFORE, TODAY)
    cold, warm = (
        clone(variant).set_params(max_epochs=1).fit(with_new_tokens(counts), last=start) for start in (None, last)
    )
    moved = last.stability(warm, with_new_tokens(counts))

    assert warm.history_[0] < cold.history_[0]
    assert moved["shared_tokens"] == 43
    assert moved["matched_cosine"] > last.stability(cold, with_new_tokens(counts))["matched_cosine"]
    assert 0.7 < moved["linear_cka"] <= 1


def test_a_version_is_as_stable_as_can_be_against_itself(fitted, counts):
    moved = LastVersion.of(fitted, BEFORE, BEFORE).stability(fitted, counts)

    assert moved == pytest.approx({"shared_tokens": 48, "matched_cosine": 1, "matched_share": 1, "linear_cka": 1})


def test_another_variant_or_width_is_refused(fitted, counts):
    last = LastVersion.of(fitted, BEFORE, BEFORE)

    with pytest.raises(ValueError, match=r"is a TopKAutoencoder of 8 latents: .* got TopKAutoencoder of 9 latents"):
        TopKAutoencoder(n_latents=9, k=2).fit(counts, last=last)
    with pytest.raises(ValueError, match="got UndercompleteAutoencoder of 8 latents"):
        UndercompleteAutoencoder(n_latents=8).fit(counts, last=last)
