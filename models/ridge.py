"""Logistic regression with a ridge penalty: L-BFGS in coordinates in which the loss is about as steep everywhere.

Features that say nearly the same make the loss a narrow valley, in which L-BFGS takes a hundred steps. So it walks in
coordinates in which the curvature at the start, of some of the rows, is 1 in each direction (Nocedal and Wright, 2006,
section 5.1, preconditioning), and takes ten.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit
from threadpoolctl import threadpool_limits

from models.linear_columns import LinearColumns
from models.serving.types import Floats

CURVATURE_ROWS = 10_000
"""Rows that the curvature is taken from, at least, where there are so many."""
LEAST_CURVATURE = 1e-6
"""Added in every direction, so that there is some where columns repeat each other and the penalty is next to none."""
STEEPEST = 1e-5
"""Largest slope at the end, in the coordinates walked in: half its square is about what is left to gain."""


def fit_ridge(
    columns: LinearColumns, label: NDArray[np.int64], *, inverse_penalty: float, max_iterations: int
) -> tuple[Floats, float]:
    """Minimise the summed log-loss times ``inverse_penalty`` plus half the summed squares of the weights.

    Parameters
    ----------
    columns : LinearColumns
        At least one row.
    label : ndarray of shape (n_rows,)
        1 where clicked.
    inverse_penalty : float
        Larger is a weaker penalty.
    max_iterations : int
        Most iterations of L-BFGS.

    Returns
    -------
    tuple of ndarray of shape (n_columns,) and float
        The weights, and the intercept, which is not penalised.
    """
    n, penalty = len(label), 1 / (inverse_penalty * len(label))
    rate = (float(label.sum()) + 1) / (n + 2)
    start = np.append(np.zeros(columns.n_columns), logit(rate))

    def loss(walked: Floats) -> tuple[float, Floats]:
        whole = solve_triangular(root, walked)
        weight, intercept = whole[:-1], whole[-1]
        z = columns.times(weight) + intercept
        error = (expit(z) - label) / n
        value = -np.mean(np.where(label == 1, log_expit(z), log_expit(-z))) + penalty / 2 * (weight @ weight)
        slope = np.append(columns.summed(error) + penalty * weight, error.sum())
        return float(value), np.asarray(solve_triangular(root, slope, trans="T"))

    with threadpool_limits(limits=1, user_api="blas"):  # sums of other threads have other last digits
        root = _root_of_curvature(columns, rate, penalty)
        found = minimize(
            loss, root @ start, jac=True, method="L-BFGS-B", options={"gtol": STEEPEST, "maxiter": max_iterations}
        )
        whole = solve_triangular(root, found.x)
    return whole[:-1], float(whole[-1])


def _root_of_curvature(columns: LinearColumns, rate: float, penalty: float) -> Floats:
    """Give the upper triangle R for which R^T R is about the loss's second derivative where all rows have one rate."""
    drawn = columns.every(max(1, len(columns) // CURVATURE_ROWS))
    drawn = np.hstack([drawn, np.ones((len(drawn), 1))])
    curvature = drawn.T @ drawn * (rate * (1 - rate) / len(drawn))
    curvature[np.diag_indices_from(curvature)] += penalty + LEAST_CURVATURE
    return np.asarray(cholesky(curvature))
