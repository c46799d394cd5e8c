"""Thresholds of float64 that part numbers as float32 does."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from models.serving.single import LARGEST, last_that_rounds_to, to_single


@given(st.floats(-(2.0**96), 2.0**96, width=32), st.integers(-3, 3), st.sampled_from([0.0, 0.25, 0.5, 0.75]))
@example(0.0, 0, 0.5)
@example(1.0, 0, 0.5)
@example(float(np.nextafter(np.float32(1), np.float32(2))), 0, 0.5)
def test_numbers_near_a_threshold_lie_where_float32_puts_them(threshold: float, steps: int, between: float) -> None:
    single = np.float32(threshold)
    near = np.nextafter(single, np.float32(np.inf)) if steps >= 0 else np.nextafter(single, np.float32(-np.inf))
    gap = float(near) - threshold
    middle = threshold + gap * (abs(steps) + between)
    numbers = np.array([middle, np.nextafter(middle, np.inf), np.nextafter(middle, -np.inf), threshold, -1e300, 1e300])
    moved = last_that_rounds_to(np.array([threshold]))
    np.testing.assert_array_equal(numbers <= moved, to_single(numbers) <= single)


def test_the_ends_are_kept_apart() -> None:
    ends = np.array([-LARGEST, -0.0, 5e-324, LARGEST * 0.99]).astype(np.float32).astype(np.float64)
    assert (last_that_rounds_to(ends) >= ends).all()
    assert np.isnan(last_that_rounds_to(np.array([np.nan]))).all()
