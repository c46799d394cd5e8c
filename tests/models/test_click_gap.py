"""Groups of users against all others: rates by hand, and an interval that holds what is true."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from models.click_gap import click_gaps


def test_rates_are_clicks_a_send_within_and_without() -> None:
    members = sp.csr_matrix(np.array([[0.5, 1], [0, 1], [2, 1]]))
    one, all_of_them = click_gaps(members, np.array([1.0, 0, 2]), np.array([4, 2, 4]), draws=50)
    assert (one.users, one.sends, one.click_rate, one.rest_click_rate) == (2, 8, 3 / 8, 0.0)
    assert (all_of_them.users, all_of_them.click_rate) == (3, pytest.approx(0.3))
    assert np.isnan([all_of_them.rest_click_rate, *all_of_them.gap_ci]).all()  # there are no others


def test_the_interval_tells_a_difference_from_none() -> None:
    rng = np.random.default_rng(4)
    members = sp.csr_matrix(rng.random((4000, 2)) < 0.4)
    sends = rng.integers(1, 6, 4000)
    clicks = rng.binomial(sends, np.where(members[:, 0].toarray().ravel(), 0.15, 0.05)).astype(float)
    differs, same = click_gaps(members, clicks, sends, draws=200, seed=1)
    assert 0.08 < differs.gap_ci.low < 0.1 < differs.gap_ci.high < 0.12
    assert same.gap_ci.low < 0 < same.gap_ci.high
    assert click_gaps(members, clicks, sends, draws=200, seed=1) == [differs, same]
