"""Ridge-penalised logistic regression: the optimum that scikit-learn finds, whatever the columns are like."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from models.linear_columns import LinearColumns
from models.ridge import CURVATURE_ROWS, fit_ridge
from models.serving.types import Floats

N = 3 * CURVATURE_ROWS


def drawn(dtype: DTypeLike, n: int = N) -> tuple[LinearColumns, NDArray[np.int64]]:
    """Give columns of which three say nearly the same, marks of which one is never set, and labels; few clicks."""
    rng = np.random.default_rng(0)
    one = rng.normal(size=(n, 1))
    numbers = np.hstack([one, one + 0.01 * rng.normal(size=(n, 2)), rng.normal(size=(n, 3))])
    marks = rng.random((n, 5)) < [0.01, 0.1, 0.5, 0.9, 0]
    score = numbers @ [0.5, 0.3, -0.4, 0.2, 0, 0] + marks @ [2, -1, 0.5, 0, 0] - 3
    label = (rng.random(n) < 1 / (1 + np.exp(-score))).astype(np.int64)
    return LinearColumns(numbers.astype(dtype), sp.csr_matrix(marks, dtype=dtype)), label


def dense(columns: LinearColumns) -> Floats:
    return np.hstack([columns.numbers, columns.marks.toarray()])


@pytest.mark.parametrize("inverse_penalty", [0.003, 1.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_it_finds_what_scikit_learn_finds(dtype: DTypeLike, inverse_penalty: float) -> None:
    columns, label = drawn(dtype)
    weight, intercept = fit_ridge(columns, label, inverse_penalty=inverse_penalty, max_iterations=300)
    oracle = LogisticRegression(C=inverse_penalty, tol=1e-10, max_iter=10_000)
    oracle.fit(dense(columns).astype(np.float64), label)
    own = columns.times(weight) + intercept
    found = oracle.decision_function(dense(columns))
    np.testing.assert_allclose(own, found, atol=2e-3)
    assert intercept == pytest.approx(oracle.intercept_[0], abs=1e-3)


def test_the_number_of_threads_does_not_matter() -> None:
    columns, label = drawn(np.float32)
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            found.append(fit_ridge(columns, label, inverse_penalty=0.003, max_iterations=300))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


def test_columns_may_repeat_each_other_with_next_to_no_penalty() -> None:
    columns, label = drawn(np.float32, n=500)
    twice = LinearColumns(np.hstack([columns.numbers, columns.numbers]), columns.marks)
    weight, intercept = fit_ridge(twice, label, inverse_penalty=1e9, max_iterations=300)
    assert np.isfinite([*weight, intercept]).all()


def test_rows_without_a_click_give_a_low_probability() -> None:
    columns, label = drawn(np.float32, n=500)
    weight, intercept = fit_ridge(columns, np.zeros_like(label), inverse_penalty=0.003, max_iterations=300)
    assert np.all(columns.times(weight) + intercept < -5)


def test_weighted_sums_are_those_of_all_columns_side_by_side() -> None:
    columns, _ = drawn(np.float64, n=50)
    rng = np.random.default_rng(1)
    of_column, of_row = rng.normal(size=columns.n_columns), rng.normal(size=len(columns))
    np.testing.assert_allclose(columns.times(of_column), dense(columns) @ of_column)
    np.testing.assert_allclose(columns.summed(of_row), of_row @ dense(columns))
    np.testing.assert_array_equal(columns.every(7), dense(columns)[::7])
