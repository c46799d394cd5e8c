"""From raw counts to what an autoencoder sees: log1p, scale, cap; the mean is kept apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from models.autoencoder.ranks import ALONE, Ranks

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class CountScaling:
    """The learned scaling of each token.

    An un-centred input kills latents, and a centred one is dense. So `apply` leaves the mean in, and whoever
    multiplies the result by a weight folds ``-mean @ weight`` into the bias.
    """

    mean: Floats
    """Training mean of each scaled token, shape (n_tokens,)."""

    scale: Floats
    """What log1p of each token's count is divided by, shape (n_tokens,)."""

    cap: float
    """Upper bound of a scaled value: one outlier must not own a batch's loss."""

    def apply(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Scale raw counts, not centred.

        Parameters
        ----------
        counts : csr_matrix of shape (n_users, n_tokens)
            Raw counts; an entry that is absent is a zero.

        Returns
        -------
        csr_matrix of float32, same shape and same non-zeros
        """
        values = np.log1p(counts.data.astype(np.float32)) / self.scale[counts.indices]
        scaled = (np.minimum(values, np.float32(self.cap)), counts.indices, counts.indptr)
        return sp.csr_matrix(scaled, shape=counts.shape)


def fit_scaling(counts: sp.csr_matrix, *, floor: float, cap: float, ranks: Ranks = ALONE) -> CountScaling:
    """Learn the scaling of each token from training rows.

    A token's scale is the standard deviation of its log1p counts, but at least `floor` times the root mean
    square of all these deviations: divided by its own deviation alone, a token that three users have would
    weigh as much in the loss as one that half of them have.

    Parameters
    ----------
    counts : csr_matrix of shape (n_users, n_tokens)
        Raw counts.
    floor : float
        0 gives every token that varies the same variance; large values give one common scale.
    cap : float
        See `CountScaling.cap`.
    ranks : Ranks
        Who has rows.
    """
    logs = sp.csr_matrix((np.log1p(counts.data), counts.indices, counts.indptr), shape=counts.shape)
    mean, variance = _moments(logs, ranks)
    scale = np.sqrt(np.maximum(variance, floor**2 * variance.mean()))
    scale[scale == 0] = 1.0
    uncentred = CountScaling(np.zeros_like(mean, np.float32), scale.astype(np.float32), cap)
    mean, _ = _moments(uncentred.apply(counts), ranks)
    return CountScaling(mean.astype(np.float32), uncentred.scale, cap)


def total_variance(scaled: sp.csr_matrix, mean: Floats, ranks: Ranks = ALONE) -> float:
    """Squared deviation of a scaled row from `mean`, summed over tokens, averaged over rows."""
    own_mean, variance = _moments(scaled, ranks)
    return float((variance + (own_mean - mean) ** 2).sum())


def _moments(rows: sp.csr_matrix, ranks: Ranks) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    n_tokens = rows.shape[1]
    values = rows.data.astype(np.float64)
    sums, squares = (np.bincount(rows.indices, weights, n_tokens) for weights in (values, values**2))
    totals = ranks.total(np.concatenate([sums, squares, [rows.shape[0]]]))
    mean, square = totals[:n_tokens] / totals[-1], totals[n_tokens:-1] / totals[-1]
    return mean, np.maximum(square - mean**2, 0.0)
