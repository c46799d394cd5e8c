"""The deep autoencoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from models.autoencoder.encoder import SparseEncoder
from models.autoencoder.estimator import Autoencoder, Rows
from models.autoencoder.layers import Layer, SparseRows
from models.autoencoder.ranks import Ranks
from models.autoencoder.scaling import Floats, total_variance
from models.autoencoder.selection import Everything

if TYPE_CHECKING:
    from models.autoencoder.networks.base import Start
    from models.autoencoder.networks.deep import DeepNetwork


class LearnedInnerLayers:
    """The layers between hidden layer and latents."""

    inner_encoder_: Floats
    """Shape (n_hidden, n_latents)."""
    inner_encoder_bias_: Floats
    """Shape (n_latents,)."""
    inner_decoder_: Floats
    """Shape (n_latents, n_hidden)."""
    inner_decoder_bias_: Floats
    """Shape (n_hidden,)."""


@dataclass(kw_only=True, eq=False, repr=False)
class DeepAutoencoder(LearnedInnerLayers, Autoencoder):
    """A dense code of `n_latents` values, a byte each, with a hidden layer on the way in and on the way out.

    `encoder_` and `decoder_` are the outer layers, of `n_hidden` columns and rows.

    h = ReLU(W_e' (x - mean) + b_e), of shape (n_hidden,), for a user's scaled counts x, of shape (n_tokens,);
    z = V_e' h + c_e, of shape (n_latents,); x_hat = mean + ReLU(z V_d + c_d) W_d + b_d. Loss, averaged over users::

        |x - x_hat|^2 / variance

    Source: Hinton and Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks"; for pre-training,
    Bengio et al. 2007, "Greedy layer-wise training of deep networks".

    Choose it when interests show in combinations of tokens that no single layer can tell apart.
    """

    WEIGHTS: ClassVar[tuple[str, ...]] = (
        *Autoencoder.WEIGHTS,
        "inner_encoder",
        "inner_encoder_bias",
        "inner_decoder",
        "inner_decoder_bias",
    )

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]] = {
        **Autoencoder.LIMITS,
        "n_hidden": (1, math.inf),
        "pretrain_epochs": (0, math.inf),
    }

    n_latents: int = 16
    """Width of the code."""
    n_hidden: int = 64
    """Width of the hidden layers."""
    pretrain_epochs: int = 0
    """Passes of greedy layer-wise pre-training; 0 goes without."""

    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""
        outer = Layer(self.encoder_, self.encoder_bias_)
        inner = Layer(self.inner_encoder_, self.inner_encoder_bias_, "linear")
        return SparseEncoder(self.scaling_, (outer, inner), Everything(self.value_bits))

    def rebuild(self, codes: Rows) -> Floats:
        """Decode codes into the scaled space, not centred, in which loss and FVU are measured."""
        from models.autoencoder.devices import torch_threads

        check_is_fitted(self, self.learned)
        with torch_threads(self.n_threads):
            hidden = Layer(self.inner_decoder_, self.inner_decoder_bias_)(SparseRows.of(codes))
        return super().rebuild(hidden)

    def _initial_weights(self, scaled: sp.csr_matrix, rng: np.random.Generator, ranks: Ranks) -> Mapping[str, Floats]:
        from models.autoencoder.networks.base import Start, initial_weights
        from models.autoencoder.networks.deep import pretrained
        from models.autoencoder.trainer import TrainingSettings

        outer, inner = (
            initial_weights(n_inputs, n_outputs, rng)
            for n_inputs, n_outputs in ((scaled.shape[1], self.n_hidden), (self.n_hidden, self.n_latents))
        )
        variance = total_variance(scaled, self.mean_, ranks) or 1.0
        start = Start(outer, self.mean_, variance, scaled.shape[0], rng)
        settings = TrainingSettings.of(self)
        return pretrained(start, inner, scaled, settings, self.pretrain_epochs, ranks, self.on_epoch)

    def _make_network(self, start: Start) -> DeepNetwork:
        from models.autoencoder.networks.deep import DeepNetwork

        return DeepNetwork(start)
