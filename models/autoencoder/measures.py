"""How good and how large a sparse code is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

if TYPE_CHECKING:
    from models.autoencoder.estimator import Autoencoder

CHUNK_ROWS = 4096
"""Rows that are rebuilt in full at once."""


def measure(estimator: Autoencoder, counts: sp.csr_matrix) -> dict[str, float]:
    """Measure a fitted autoencoder, best on users that it was not fitted on.

    Parameters
    ----------
    estimator : Autoencoder
        Fitted.
    counts : csr_matrix of shape (n_users, n_tokens)
        Raw counts.

    Returns
    -------
    dict
        `fvu`, `l0`, `dead_fraction` and `bytes_per_user` (see `models.autoencoder.selection`).
    """
    codes = estimator.transform(counts)
    return {
        "fvu": fvu_of(estimator, counts),
        "l0": l0(codes),
        "dead_fraction": dead_fraction(codes),
        "bytes_per_user": estimator.sparse_encoder().selection.bytes_per_user(codes),
    }


def fvu_of(estimator: Autoencoder, counts: sp.csr_matrix) -> float:
    """Fraction of variance unexplained of an estimator on raw counts, rebuilt a chunk at a time."""
    errors = deviations = 0.0
    for start in range(0, counts.shape[0], CHUNK_ROWS):
        chunk = counts[start : start + CHUNK_ROWS]
        scaled = estimator.scaling_.apply(chunk).toarray()
        sums = _squared_sums(scaled, estimator.rebuild(estimator.transform(chunk)), estimator.scaling_.mean)
        errors, deviations = errors + sums[0], deviations + sums[1]
    return _ratio(errors, deviations)


def fvu(X: npt.ArrayLike, X_hat: npt.ArrayLike, mean: npt.ArrayLike) -> float:
    """Fraction of variance unexplained.

    The sum of squared errors over the sum of squared deviations from the mean of the *training* rows, per
    dimension. 0 is a perfect reconstruction, 1 is no better than that mean. Other definitions circulate.

    Parameters
    ----------
    X, X_hat : array-like of shape (n_users, n_tokens)
        Scaled rows and their reconstruction, both not centred.
    mean : array-like of shape (n_tokens,)
        Training mean of the scaled rows.
    """
    return _ratio(*_squared_sums(np.asarray(X), np.asarray(X_hat), np.asarray(mean)))


def l0(codes: sp.csr_matrix) -> float:
    """Mean number of non-zeros of a code."""
    return float(codes.count_nonzero() / codes.shape[0])


def dead_fraction(codes: sp.csr_matrix) -> float:
    """Share of latents that fire for none of the rows."""
    return float(np.mean(np.bincount(codes.indices[codes.data != 0], minlength=codes.shape[1]) == 0))


def _squared_sums(
    X: npt.NDArray[np.floating], X_hat: npt.NDArray[np.floating], mean: npt.NDArray[np.floating]
) -> tuple[float, float]:
    errors = np.square(X - X_hat).sum(dtype=np.float64)
    return float(errors), float(np.square(X - mean).sum(dtype=np.float64))


def _ratio(errors: float, deviations: float) -> float:
    """Rows that do not deviate at all leave nothing to explain."""
    return errors / deviations if deviations else 0.0
