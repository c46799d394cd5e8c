"""The largest entries of each row, against a stable sort of the whole row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.autoencoder.largest import largest


def slowly(values: np.ndarray, k: int) -> list[list[int]]:
    """Columns of what is to be found, by the definition."""
    ranked = [sorted(range(len(row)), key=lambda column, row=row: (-row[column], column))[:k] for row in values]
    return [sorted(column for column in found if row[column] > 0) for row, found in zip(values, ranked, strict=True)]


def found(values: np.ndarray, k: int) -> list[list[int]]:
    places, lengths = largest(values, k)
    rows = np.split(places, np.cumsum(lengths)[:-1])
    return [(own - row * values.shape[1]).tolist() for row, own in enumerate(rows)]


@settings(deadline=None, max_examples=300)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 70)),
    n_levels=st.sampled_from([1, 2, 5, 1000]),
    least=st.sampled_from([-1.0, -0.9, -0.3, 0.0, 0.1]),
    data=st.data(),
)
def test_it_is_what_a_sort_finds_with_ties_zeros_and_negative_rows(seed, shape, n_levels, least, data):
    k = data.draw(st.integers(1, shape[1]))
    drawn = np.random.default_rng(seed).integers(0, n_levels + 1, shape) / n_levels
    values = (drawn + least).astype(np.float32)

    assert found(values, k) == slowly(values, k)


@pytest.mark.parametrize("k", [1, 32, 1024])
def test_wide_rows_and_rows_of_one_value(k):
    values = np.random.default_rng(0).standard_normal((40, 1024)).astype(np.float32)
    values[3], values[4], values[5, ::2] = 0.5, -0.5, 0.25

    assert found(values, k) == slowly(values, k)


def test_no_rows_have_no_places():
    places, lengths = largest(np.zeros((0, 8), np.float32), 2)

    assert len(places) == len(lengths) == 0
