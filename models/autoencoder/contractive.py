"""The contractive autoencoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from models.autoencoder.encoder import SparseEncoder
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.layers import Layer
from models.autoencoder.selection import Everything

if TYPE_CHECKING:
    from models.autoencoder.networks.base import Start
    from models.autoencoder.networks.penalised import ContractiveNetwork


@dataclass(kw_only=True, eq=False, repr=False)
class ContractiveAutoencoder(Autoencoder):
    """A code that moves little when a user does a little more or less: the encoder's Jacobian is kept small.

    Dense, a byte a latent, values from 0 to 1.

    z = sigmoid(W_e' (x - mean) + b_e), of shape (n_latents,), for a user's scaled counts x, of shape (n_tokens,);
    x_hat = mean + z W_d + b_d. Loss, averaged over users::

        |x - x_hat|^2 / variance + contraction * |dz/dx|^2

    with the exact squared Frobenius norm of the Jacobian, of shape (n_latents, n_tokens). Source: Rifai et al. 2011,
    "Contractive auto-encoders", equation 7.

    Choose it when counts are noisy and a user's code should be steady from day to day.
    """

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]] = {**Autoencoder.LIMITS, "contraction": (0, math.inf)}

    n_latents: int = 16
    """Width of the code."""
    contraction: float = 0.1
    """Weight of the penalty."""

    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""
        layers = (Layer(self.encoder_, self.encoder_bias_, "sigmoid"),)
        return SparseEncoder(self.scaling_, layers, Everything(self.value_bits, signed=False))

    def _make_network(self, start: Start) -> ContractiveNetwork:
        from models.autoencoder.networks.penalised import ContractiveNetwork

        return ContractiveNetwork(start, penalty_weight=self.contraction)
