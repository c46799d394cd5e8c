"""The undercomplete autoencoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.autoencoder.encoder import SparseEncoder
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.layers import ACTIVATIONS, Layer
from models.autoencoder.selection import Everything

SIGNED = ("linear", "tanh")
"""Activations that can be negative."""

if TYPE_CHECKING:
    from models.autoencoder.networks.base import Network, Start


@dataclass(kw_only=True, eq=False, repr=False)
class UndercompleteAutoencoder(Autoencoder):
    """A dense code that is short because it is narrow: `n_latents` values, a byte each, no sparsity.

    z = f(W_e' (x - mean) + b_e), of shape (n_latents,), for a user's scaled counts x, of shape (n_tokens,), with f the
    `activation`; x_hat = mean + z W_d + b_d. Loss, averaged over users::

        |x - x_hat|^2 / variance

    A linear one learns the space of the principal components, up to rotation; `dropout` or `noise` make it the
    denoising autoencoder (see `models.autoencoder.estimator.Autoencoder`). Source: Baldi and Hornik 1989, "Neural
    networks and principal component analysis".

    Choose it as the plainest network to compare with, or where a downstream model wants dense inputs.
    """

    n_latents: int = 16
    """Width of the code."""
    activation: str = "linear"
    """Of the latents: a key of `models.autoencoder.layers.ACTIVATIONS`."""

    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""
        layers = (Layer(self.encoder_, self.encoder_bias_, self.activation),)
        return SparseEncoder(self.scaling_, layers, Everything(self.value_bits, signed=self.activation in SIGNED))

    def check_settings(self) -> None:
        """Raise ValueError where a setting is out of its limits."""
        super().check_settings()
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation is {self.activation!r}, expected one of {', '.join(ACTIVATIONS)}")

    def _make_network(self, start: Start) -> Network:
        from models.autoencoder.networks.base import Network

        return Network(start, activation=self.activation)
