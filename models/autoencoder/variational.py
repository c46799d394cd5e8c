"""The variational autoencoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import scipy.sparse as sp

from models.autoencoder.encoder import SparseEncoder
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.layers import Layer
from models.autoencoder.ranks import Ranks
from models.autoencoder.scaling import Floats
from models.autoencoder.selection import Everything

if TYPE_CHECKING:
    from models.autoencoder.networks.base import Start
    from models.autoencoder.networks.variational import VariationalNetwork

FIRST_LOG_VARIANCE = -2.0
"""Codes are drawn closely at first, or the decoder learns to ignore them."""


class LearnedSpread:
    """What the encoder says of its own certainty; needed to go on training, not to encode."""

    spread_: Floats
    """Shape (n_tokens, n_latents)."""
    spread_bias_: Floats
    """Shape (n_latents,)."""


@dataclass(kw_only=True, eq=False, repr=False)
class VariationalAutoencoder(LearnedSpread, Autoencoder):
    """A code that is the mean of what the user may be: close to a standard normal, dense, a byte a latent.

    m = W_e' (x - mean) + b_e and v = W_s' (x - mean) + b_s, of shape (n_latents,), for a user's scaled counts x, of
    shape (n_tokens,); x_hat = mean + z W_d + b_d, with z drawn from N(m, diag(exp v)); the code is m. Loss, averaged
    over users::

        |x - x_hat|^2 / variance + beta * sum_j (m_j^2 + exp(v_j) - v_j - 1) / 2

    Source: Kingma and Welling 2014, "Auto-encoding variational Bayes", appendix B; beta from Higgins et al. 2017,
    "beta-VAE". With one linear layer, this is a probabilistic PCA with amortised inference (Lucas et al. 2019, "Don't
    blame the ELBO!").

    Choose it when distances between users should mean something, or users are to be sampled.
    """

    WEIGHTS: ClassVar[tuple[str, ...]] = (*Autoencoder.WEIGHTS, "spread", "spread_bias")

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]] = {**Autoencoder.LIMITS, "beta": (0, math.inf)}

    n_latents: int = 16
    """Width of the code."""
    beta: float = 0.003
    """Weight of the divergence from the prior."""

    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""
        layers = (Layer(self.encoder_, self.encoder_bias_, "linear"),)
        return SparseEncoder(self.scaling_, layers, Everything(self.value_bits))

    def _initial_weights(self, scaled: sp.csr_matrix, rng: np.random.Generator, ranks: Ranks) -> Mapping[str, Floats]:
        return {
            **super()._initial_weights(scaled, rng, ranks),
            "spread": np.zeros((scaled.shape[1], self.n_latents), np.float32),
            "spread_bias": np.full(self.n_latents, FIRST_LOG_VARIANCE, np.float32),
        }

    def _make_network(self, start: Start) -> VariationalNetwork:
        from models.autoencoder.networks.variational import VariationalNetwork

        return VariationalNetwork(start, beta=self.beta)
