"""The sparse autoencoder with an L1 penalty."""

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
    from models.autoencoder.networks.penalised import L1Network


@dataclass(kw_only=True, eq=False, repr=False)
class L1Autoencoder(Autoencoder):
    """Sparse because activations cost: a user has as many latents as pay for themselves.

    The code holds all positive activations; its mean length follows from `l1` and is known only after training
    (`measures_`). The penalty also shrinks the activations that stay.

    z = ReLU(W_e' (x - mean) + b_e), of shape (n_latents,), for a user's scaled counts x, of shape (n_tokens,);
    x_hat = mean + z W_d + b_d, with decoder rows of norm 1. Loss, averaged over users::

        |x - x_hat|^2 / variance + l1 * sum_j z_j / sqrt(variance)

    Source: Bricken et al. 2023, "Towards monosemanticity"; for the sparse code, Olshausen and Field 1996, "Emergence of
    simple-cell receptive field properties by learning a sparse code for natural images".

    Choose it when the size of a code may follow the user, and one number for the trade-off is welcome.
    """

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]] = {**Autoencoder.LIMITS, "l1": (0, math.inf)}

    l1: float = 0.1
    """Weight of the penalty, for activations in units of a row's root mean squared deviation."""

    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""
        return SparseEncoder(
            self.scaling_, (Layer(self.encoder_, self.encoder_bias_, "linear"),), Above(value_bits=self.value_bits)
        )

    def _make_network(self, start: Start) -> L1Network:
        from models.autoencoder.networks.penalised import L1Network

        return L1Network(start, penalty_weight=self.l1)
