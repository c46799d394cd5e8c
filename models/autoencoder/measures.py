"""How good and how large a sparse code is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from models.autoencoder.estimator import Autoencoder

CHUNK_ROWS = 4096
"""Rows that are rebuilt in full at once."""


ALIKE = 0.7
"""Cosine of two decoder rows from which on they count as one latent (Paulo and Belrose 2025)."""


def measure(
    estimator: Autoencoder, counts: sp.csr_matrix, blocks: Sequence[str] | None = None
) -> dict[str, float | dict[str, float]]:
    """Measure a fitted autoencoder, best on users that it was not fitted on.

    Parameters
    ----------
    estimator : Autoencoder
        Fitted.
    counts : csr_matrix of shape (n_users, n_tokens)
        Raw counts.
    blocks : sequence of str, optional
        The block of features that each token is of, see `blocks_of`.

    Returns
    -------
    dict
        `fvu`, `l0`, `dead_fraction`, `firing_spread` and `bytes_per_user` (see `models.autoencoder.selection`); with
        blocks, also `fvu_by_block`.
    """
    codes = estimator.transform(counts)
    by_block = {} if blocks is None else {"fvu_by_block": fvu_by_block(estimator, counts, blocks)}
    return {
        "fvu": fvu_of(estimator, counts),
        "l0": l0(codes),
        "dead_fraction": dead_fraction(codes),
        "firing_spread": firing_spread(codes),
        "bytes_per_user": estimator.sparse_encoder().selection.bytes_per_user(codes),
        **by_block,
    }


def blocks_of(vocabulary: Iterable[str]) -> list[str]:
    """Give the block of each token, which is what its name says before a colon; those without one are a block too.

    >>> blocks_of(["event:app_open", "sent:sports", "age"])
    ['event', 'sent', '']
    """
    return [token.partition(":")[0] if ":" in token else "" for token in vocabulary]


def fvu_by_block(estimator: Autoencoder, counts: sp.csr_matrix, blocks: Sequence[str]) -> dict[str, float]:
    """Fraction of variance unexplained of the tokens of each block, as `fvu_of` has it for all of them."""
    names, block = np.unique(np.asarray(blocks), return_inverse=True)
    sums = np.zeros((2, len(names)))
    for start in range(0, counts.shape[0], CHUNK_ROWS):
        chunk = counts[start : start + CHUNK_ROWS]
        scaled = estimator.scaling_.apply(chunk).toarray()
        for place, expected in enumerate((estimator.rebuild(estimator.transform(chunk)), estimator.scaling_.mean)):
            of_token = np.square(scaled - expected).sum(axis=0, dtype=np.float64)
            sums[place] += np.bincount(block, of_token, len(names))
    return {name: _ratio(*sums[:, place].tolist()) for place, name in enumerate(names.tolist())}


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
    return float(np.mean(firing_rates(codes) == 0))


def firing_rates(codes: sp.csr_matrix) -> npt.NDArray[np.float64]:
    """Share of the rows for which each latent fires, shape (n_latents,)."""
    fired = np.bincount(codes.indices[codes.data != 0], minlength=codes.shape[1])
    return np.asarray(fired / codes.shape[0])


def firing_spread(codes: sp.csr_matrix) -> float:
    """Gini coefficient of the firing rates: 0 when all latents fire equally often, near 1 when few fire at all."""
    rates = np.sort(firing_rates(codes))
    if not rates.any():
        return 0.0
    ranks = np.arange(1, len(rates) + 1)
    return float(2 * (ranks * rates).sum() / (len(rates) * rates.sum()) - (len(rates) + 1) / len(rates))


def matched_cosine(decoder: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """How alike the dictionaries of two fits are: 1 when each latent of one is a latent of the other.

    Latents are matched one to one so that the mean cosine of their decoder rows is greatest; that mean is given, over
    the latents of the smaller dictionary.

    Parameters
    ----------
    decoder, other : array-like of shape (n_latents, n_tokens)
        As `decoder_` of two estimators on the same tokens.

    Notes
    -----
    Source: Paulo and Belrose 2025, "Sparse autoencoders trained on the same data learn different features".
    """
    return float(_matched_cosines(decoder, other).mean())


def matched_share(decoder: npt.ArrayLike, other: npt.ArrayLike, *, least: float = ALIKE) -> float:
    """Give the share of latents whose match in the other dictionary, see `matched_cosine`, has at least this cosine."""
    return float((_matched_cosines(decoder, other) >= least).mean())


def linear_cka(codes: sp.csr_matrix, other: sp.csr_matrix) -> float:
    """How alike two codes of the same users are: 1 when one is a rotation of the other, 0 when they share nothing.

    ``|Y'X|^2 / (|X'X| |Y'Y|)`` with centred columns and Frobenius norms. Codes that do not vary give 0.

    Parameters
    ----------
    codes, other : csr_matrix of shape (n_users, n_latents)
        Widths may differ.

    Notes
    -----
    Source: Kornblith et al. 2019, "Similarity of neural network representations revisited", section 3.
    """
    own = np.linalg.norm(_covariance(codes, codes)) * np.linalg.norm(_covariance(other, other))
    return float(np.linalg.norm(_covariance(other, codes)) ** 2 / own) if own else 0.0


def _matched_cosines(decoder: npt.ArrayLike, other: npt.ArrayLike) -> npt.NDArray[np.float64]:
    cosines = _unit_rows(decoder) @ _unit_rows(other).T
    return np.asarray(cosines[linear_sum_assignment(-cosines)])


def _unit_rows(rows: npt.ArrayLike) -> npt.NDArray[np.float64]:
    values = np.asarray(rows, dtype=np.float64)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))


def _covariance(codes: sp.csr_matrix, other: sp.csr_matrix) -> npt.NDArray[np.float64]:
    codes, other = codes.astype(np.float64), other.astype(np.float64)
    means = (np.asarray(one.mean(axis=0)).ravel() for one in (codes, other))
    product: Any = (codes.T @ other) / codes.shape[0]
    return np.asarray(product.toarray() - np.outer(*means))


def _squared_sums(
    X: npt.NDArray[np.floating], X_hat: npt.NDArray[np.floating], mean: npt.NDArray[np.floating]
) -> tuple[float, float]:
    errors = np.square(X - X_hat).sum(dtype=np.float64)
    return float(errors), float(np.square(X - mean).sum(dtype=np.float64))


def _ratio(errors: float, deviations: float) -> float:
    """Rows that do not deviate at all leave nothing to explain."""
    return errors / deviations if deviations else 0.0
