"""The sparse encoder against a slow dense one, and on Arrow's list columns."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from models.autoencoder.encoder import SparseEncoder
from models.autoencoder.layers import Layer
from models.autoencoder.scaling import CountScaling
from models.autoencoder.selection import Above, Everything, Largest


def slow_code(model, counts: list[float]) -> dict[int, float]:
    """Code of one user, dense and in double precision, by the definition."""
    x = np.minimum(np.log1p(np.array(counts, np.float64)) / model.scale_, model.scale_cap) - model.mean_
    activations = x @ model.encoder_.astype(np.float64) + model.encoder_bias_
    best = sorted(range(len(activations)), key=lambda latent: (-activations[latent], latent))[: model.k]
    return {latent: activations[latent] for latent in best if activations[latent] > 2**-8 * (1 + 1 / 32)}


def test_codes_agree_with_a_dense_oracle(fitted, new_counts):
    codes = fitted.transform(new_counts)

    for row in range(0, 400, 7):
        expected = slow_code(fitted, new_counts[row].toarray()[0].tolist())
        assert codes[row].indices.tolist() == sorted(expected)
        assert codes[row].data == pytest.approx([expected[i] for i in sorted(expected)], rel=1 / 32)


def encoder_of(bias: list[float], k: int) -> SparseEncoder:
    """An encoder of one token whose activations are `bias` plus the token's log1p count."""
    n = len(bias)
    scaling = CountScaling(np.zeros(1, np.float32), np.ones(1, np.float32), cap=10.0)
    return SparseEncoder(scaling, (Layer(np.ones((1, n), np.float32), np.array(bias, np.float32)),), Largest(k))


@settings(deadline=None)
@given(
    activations=st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=9),
    data=st.data(),
)
def test_of_equal_activations_the_lowest_latents_are_kept(activations, data):
    k = data.draw(st.integers(1, len(activations)))
    code = encoder_of(activations, k).encode(sp.csr_matrix((1, 1), dtype=np.float32))

    ranked = sorted(range(len(activations)), key=lambda latent: (-activations[latent], latent))
    assert code.indices.tolist() == sorted(latent for latent in ranked[:k] if activations[latent] > 0)


def test_what_rounds_to_zero_is_no_entry():
    codes = encoder_of([1e-9, 1 / 3, 1e6], k=3).encode(sp.csr_matrix((1, 1), dtype=np.float32))

    assert codes.indices.tolist() == [1, 2]
    assert codes.data.tolist() == [0.328125, 248]


def test_selections_keep_what_they_say_and_tell_its_size():
    activations = np.array([[0.5, -1e6, 0.0, 1e6], [2.0, 1.0, 0.0, 0.25]], np.float32)
    all_of_it, above = Everything().codes([activations]), Above(0.5).codes([activations])

    assert all_of_it.nnz == 8
    assert all_of_it.toarray().tolist() == [[0.5, -240, 0.0, 240], [2.0, 1.0, 0.0, 0.25]]
    assert above.toarray().tolist() == [[0.0, 0.0, 0.0, 248], [2.0, 1.0, 0.0, 0.0]]
    assert Everything().bytes_per_user(all_of_it) == 4
    assert Everything(value_bits=16).bytes_per_user(all_of_it) == 8
    assert Largest(1).bytes_per_user(Largest(1).codes([activations])) == 2
    assert Largest(2).bytes_per_user(sp.csr_matrix((1, 257))) == 6  # the number of a latent takes a second byte
    assert Above(1.5).bytes_per_user(Above(1.5).codes([activations])) == 1 + 2
    assert Above(0.2).bytes_per_user(Above(0.2).codes([activations])) == 4  # of five pairs, the dense layout is smaller


def lists_of(counts: sp.csr_matrix) -> tuple[pa.ListArray, pa.ListArray]:
    offsets = pa.array(counts.indptr)
    return (
        pa.ListArray.from_arrays(offsets, pa.array(counts.indices)),
        pa.ListArray.from_arrays(offsets, pa.array(counts.data)),
    )


def test_arrow_lists_give_the_codes_of_the_matrix(fitted, new_counts):
    ids, values = lists_of(new_counts)
    expected = fitted.transform(new_counts)

    for start, length in ((0, 400), (37, 5), (400, 0)):
        some_ids, some_values = ids.slice(start, length), values.slice(start, length)
        offsets, latents, code_values = fitted.sparse_encoder().encode_lists(
            some_ids.offsets.to_numpy(), some_ids.values.to_numpy(), some_values.values.to_numpy()
        )
        part = expected[start : start + length]
        assert offsets.dtype == np.int32
        assert latents.dtype == np.int16
        assert code_values.dtype == np.float32
        assert np.array_equal(offsets, part.indptr)
        assert np.array_equal(latents, part.indices)
        assert np.array_equal(code_values, part.data)


def test_the_order_of_a_list_does_not_matter_and_repeated_tokens_add_up(fitted):
    encode = fitted.sparse_encoder().encode_lists
    one = encode(np.array([0, 3]), np.array([2, 3, 9]), np.array([4, 1, 2]))
    shuffled = encode(np.array([0, 4]), np.array([9, 2, 3, 2]), np.array([2, 1, 1, 3]))

    assert all(np.array_equal(a, b) for a, b in zip(one, shuffled, strict=True))


def test_a_token_out_of_the_vocabulary_is_refused(fitted):
    with pytest.raises(ValueError, match="token ids 48 to 48, expected 0 to 47"):
        fitted.sparse_encoder().encode_lists(np.array([0, 1]), np.array([48]), np.array([1.0]))


def test_reading_weights_needs_no_torch():
    imports = "import sys; import models.autoencoder.store; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", imports], check=False).returncode == 0
