"""The autoencoder with a KL penalty on mean activations."""

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
    from models.autoencoder.networks.penalised import KLNetwork


@dataclass(kw_only=True, eq=False, repr=False)
class KLAutoencoder(Autoencoder):
    """Latents that are low for most users: their mean activation is drawn to `target`.

    Sigmoids are never 0, so the code is dense: a byte a latent.

    z = sigmoid(W_e' (x - mean) + b_e), of shape (n_latents,), for a user's scaled counts x, of shape (n_tokens,);
    x_hat = mean + z W_d + b_d. Loss, averaged over users::

        |x - x_hat|^2 / variance + kl * mean_j KL(target || rho_j)

    where rho_j is the mean of z_j over a batch, and KL that of two coins. Source: Ng 2011, "Sparse autoencoder", CS294A
    lecture notes, section 3.

    Choose it for bounded codes in which every latent is used about equally often.
    """

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]] = {
        **Autoencoder.LIMITS,
        "target": (1e-6, 1 - 1e-6),
        "kl": (0, math.inf),
    }

    n_latents: int = 16
    """Width of the code."""
    target: float = 0.1
    """Mean activation that is aimed at."""
    kl: float = 0.1
    """Weight of the penalty."""

    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""
        layers = (Layer(self.encoder_, self.encoder_bias_, "sigmoid"),)
        return SparseEncoder(self.scaling_, layers, Everything(self.value_bits, signed=False))

    def _make_network(self, start: Start) -> KLNetwork:
        from models.autoencoder.networks.penalised import KLNetwork

        return KLNetwork(start, target=self.target, penalty_weight=self.kl)
