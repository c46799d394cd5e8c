"""The deep contractive autoencoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from models.autoencoder.deep import DeepAutoencoder

if TYPE_CHECKING:
    from models.autoencoder.networks.base import Start
    from models.autoencoder.networks.deep_contractive import DeepContractiveNetwork


@dataclass(kw_only=True, eq=False, repr=False)
class DeepContractiveAutoencoder(DeepAutoencoder):
    """As the deep one, but its code moves little when a user does a little more or less.

    Loss, averaged over rows, with weights and shapes of `DeepAutoencoder`::

        |x - x_hat|^2 / variance + contraction * |dz/dx|^2

    where the squared norm of the Jacobian dz/dx, of shape (n_latents, n_tokens), is estimated from one random direction
    a row and step. Source: Rifai et al. 2011, "Contractive auto-encoders"; how it is estimated is said by
    `models.autoencoder.networks.deep_contractive.DeepContractiveNetwork`.

    Choose it when interests show in combinations of tokens, and counts are noisy.
    """

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]] = {**DeepAutoencoder.LIMITS, "contraction": (0, math.inf)}

    contraction: float = 0.1
    """Weight of the penalty."""

    def _make_network(self, start: Start) -> DeepContractiveNetwork:
        from models.autoencoder.networks.deep_contractive import DeepContractiveNetwork

        return DeepContractiveNetwork(start, penalty_weight=self.contraction)
