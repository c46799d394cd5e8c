"""joblib's calls as Spark tasks, in this session's Python workers."""

from __future__ import annotations

import numpy as np
import pytest
from joblib import Parallel, delayed

from jobs.errors import Failed
from jobs.joblib_spark import on_executors

pytestmark = pytest.mark.usefixtures("spark")


def test_large_arrays_are_sent_once() -> None:
    rows, ones = np.arange(5_000.0), list(np.eye(3, 5_000))
    with on_executors() as backend:
        for _ in range(2):  # a forest is fitted twice
            found = Parallel(n_jobs=2)(delayed(np.dot)(rows, one) for one in (*ones, ones[0]))
    assert found == [0, 1, 2, 0]
    assert backend.sent_bytes == 2 * (rows.nbytes + sum(one.nbytes for one in ones))


def test_a_call_that_fails_is_told_in_one_line() -> None:
    with pytest.raises(Failed, match=r"^fitting on executors: ValueError: .*not aligned.*$"), on_executors():
        Parallel(n_jobs=2)(delayed(np.dot)(np.ones(2), np.ones(columns)) for columns in (2, 3))
