"""Predictive sparse decomposition."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from models.autoencoder.encoder import SparseEncoder
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.layers import Layer
from models.autoencoder.selection import Above

if TYPE_CHECKING:
    from models.autoencoder.networks.base import Start
    from models.autoencoder.networks.predictive import PredictiveNetwork


@dataclass(kw_only=True, eq=False, repr=False)
class PredictiveAutoencoder(Autoencoder):
    """Sparse coding with an encoder that predicts the codes, so that encoding takes one product and no search.

    The code holds all positive predictions; its mean length is known after training (`measures_`).

    f(x) = ReLU(W_e' (x - mean) + b_e), of shape (n_latents,), for a user's scaled counts x, of shape (n_tokens,);
    x_hat(z) = mean + z W_d + b_d, with decoder rows of norm 1. Loss, averaged over users, at the z >= 0 that is best
    for each of them::

        (|x - x_hat(z)|^2 + l1 * sqrt(variance) * sum_j z_j + prediction * |z - f(x)|^2) / variance

    Source: Kavukcuoglu, Ranzato and LeCun 2008, "Fast inference in sparse coding algorithms", equation 4; details:
    `models.autoencoder.networks.predictive.PredictiveNetwork`.

    Choose it when the dictionary matters (what behaviours there are) as much as the codes.
    """

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]] = {
        **Autoencoder.LIMITS,
        "l1": (0, math.inf),
        "prediction": (0, math.inf),
        "steps": (1, math.inf),
    }

    l1: float = 0.1
    """What a code costs, for values in units of a row's root mean squared deviation."""
    prediction: float = 1.0
    """Weight of the encoder's error."""
    steps: int = 20
    """Steps of the search for each batch's codes in training."""

    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""
        return SparseEncoder(
            self.scaling_, (Layer(self.encoder_, self.encoder_bias_, "linear"),), Above(value_bits=self.value_bits)
        )

    def _make_network(self, start: Start) -> PredictiveNetwork:
        from models.autoencoder.networks.predictive import PredictiveNetwork

        return PredictiveNetwork(start, l1=self.l1, prediction=self.prediction, steps=self.steps)
