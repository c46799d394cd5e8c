"""The TopK sparse autoencoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from models.autoencoder.encoder import SparseEncoder
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.layers import Layer
from models.autoencoder.selection import Largest

if TYPE_CHECKING:
    from models.autoencoder.networks.base import Start
    from models.autoencoder.networks.topk import TopKNetwork


@dataclass(kw_only=True, eq=False, repr=False)
class TopKAutoencoder(Autoencoder):
    """Of `n_latents` learned behaviours, the `k` that explain a user best.

    A code takes ``2 * k`` bytes, an index and a value for each latent (up to 256 latents, at 8 bits a value). Width, k
    and dropout are best chosen by what the codes are used for: a lower reconstruction error is not a better embedding.

    z = TopK(ReLU(W_e' (x - mean) + b_e)), of shape (n_latents,), for a user's scaled counts x, of shape (n_tokens,);
    x_hat = mean + z W_d + b_d, with decoder rows of norm 1. Loss, averaged over users::

        |x - x_hat|^2 / variance + aux_weight * |e - z_aux W_d|^2 / variance

    with e = x - x_hat, and z_aux what the largest dead latents would add to it. Source: Gao et al. 2024, "Scaling and
    evaluating sparse autoencoders"; details: `models.autoencoder.networks.topk.TopKNetwork`.

    Choose it when codes must be small and of one size.
    """

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]] = {
        **Autoencoder.LIMITS,
        "k": (1, 2**15 - 1),
        "aux_weight": (0, math.inf),
    }

    k: int = 4
    """Most non-zeros of a code."""
    aux_k: int | None = None
    """Most dead latents that share in the auxiliary loss; None is half of `n_latents`."""
    aux_weight: float = 1 / 32
    """Weight of the auxiliary loss; 0 switches it off."""

    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""
        return SparseEncoder(
            self.scaling_, (Layer(self.encoder_, self.encoder_bias_, "linear"),), Largest(self.k, self.value_bits)
        )

    def check_settings(self) -> None:
        """Raise ValueError where a setting is out of its limits."""
        super().check_settings()
        if self.k > self.n_latents:
            raise ValueError(f"k is {self.k}, expected at most n_latents, {self.n_latents}")

    def _make_network(self, start: Start) -> TopKNetwork:
        from models.autoencoder.networks.topk import TopKNetwork

        return TopKNetwork(start, **self._network_settings(start))

    def _network_settings(self, start: Start) -> dict[str, Any]:
        dead_after = 1000 * self.n_latents // self.k
        return {
            "k": self.k,
            "aux_k": self.aux_k or max(self.n_latents // 2, 1),
            "aux_weight": self.aux_weight,
            "dead_after": dead_after if start.n_rows is None else min(start.n_rows, dead_after),
        }
