"""What a latent stands for: the counts that the decoder makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from models.autoencoder.estimator import Autoencoder


@dataclass(frozen=True)
class Driver:
    """A token that a latent changes."""

    token: int
    """Input column."""
    without: float
    """The count that a code without any latent stands for."""
    having: float
    """The count that a code with this latent alone stands for."""


def drivers(
    estimator: Autoencoder, latent: int, value: float, *, most: int = 4, least_share: float = 0.3
) -> list[Driver]:
    """Give the tokens that a latent changes most when it fires with a value, most changed first.

    A change is that of log1p of the count, in which users of all activities are alike: where the decoder is linear it
    is the decoder's weight in input units, weight x value x scale, as far as counts do not fall below 0.

    Parameters
    ----------
    estimator : Autoencoder
        Fitted.
    latent : int
        Column of the code.
    value : float
        A value that it takes, such as its mean where it fires.
    most : int
        Tokens at most.
    least_share : float
        Tokens that change by less than this share of the greatest change are left out.
    """
    n_latents = estimator.sparse_encoder().n_latents
    codes = sp.csr_matrix(([np.float32(value)], ([1], [latent])), shape=(2, n_latents))
    without, having = estimator.inverse_transform(codes)
    change = np.abs(np.log1p(having) - np.log1p(without))
    order = np.argsort(-change, kind="stable")[:most]
    kept = [token for token in order.tolist() if change[token] > 0 and change[token] >= least_share * change[order[0]]]
    return [Driver(token, float(without[token]), float(having[token])) for token in kept]
