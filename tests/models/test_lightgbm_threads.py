"""LightGBM's number of threads, while candidates are fitted beside each other."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from models.lightgbm_threads import at_most


def n_threads() -> int:
    """Give what LightGBM would take now."""
    found: int = lightgbm.basic._LIB.OMP_NUM_THREADS()
    return found


def test_nothing_raises_it_above_the_most() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 3))
    quiet = {"verbose": -1, "min_data_in_leaf": 1}
    booster = lightgbm.train({**quiet, "num_threads": 3}, lightgbm.Dataset(rows, rows[:, 0]), num_boost_round=2)
    assert n_threads() == 3
    with at_most(1):
        for asked in ({}, {"num_threads": 2}):
            booster.predict(rows, **asked)
            lightgbm.Dataset(rows, rows[:, 0], params={**quiet, **asked}).construct()
            assert n_threads() == 1
    with pytest.raises(ZeroDivisionError), at_most(2):
        raise ZeroDivisionError
    booster.predict(rows, num_threads=3)
    assert n_threads() == 3, "as before, after an error too"
