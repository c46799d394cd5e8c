"""Rounding to eight bits, against a list of all the numbers there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.autoencoder.rounding import rounded


def all_numbers(*, signed: bool) -> np.ndarray:
    steps = 8 if signed else 16
    positive = [2.0**power * (1 + step / steps) for power in range(-8, 8) for step in range(steps)][1:]
    return np.array([*(-value for value in positive if signed), 0.0, *positive])


@pytest.mark.parametrize("signed", [False, True])
def test_there_are_no_more_numbers_than_fit_in_a_byte_and_each_is_its_own_rounding(signed):
    numbers = all_numbers(signed=signed).astype(np.float32)

    assert len(numbers) <= 256
    assert np.array_equal(rounded(numbers, 8, signed=signed), numbers)


@given(value=st.floats(-1e6, 1e6, width=32), signed=st.booleans())
def test_the_nearest_number_is_found(value, signed):
    numbers = all_numbers(signed=signed)
    found = float(rounded(np.array([value], np.float32), 8, signed=signed)[0])

    assert found in numbers
    if abs(value) > 2**-8:  # up to there, all is zero
        assert abs(found - value) == np.abs(numbers - value).min()
    else:
        assert found == 0


def test_sixteen_bits_are_a_finite_float16():
    values = np.array([1 / 3, -1e9, 1e9], np.float32)
    largest = np.finfo(np.float16).max

    assert rounded(values, 16, signed=True).tolist() == [np.float16(1 / 3), -largest, largest]
    assert rounded(values, 16, signed=False).tolist() == [np.float16(1 / 3), 0, largest]
