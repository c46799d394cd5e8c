"""The deep network, and how its layers are trained one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, islice

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from models.autoencoder.networks.base import Network, Start, parameter
from models.autoencoder.networks.batch import SparseBatch
from models.autoencoder.ranks import ALONE, Ranks
from models.autoencoder.scaling import Floats, total_variance
from models.autoencoder.trainer import EpochHook, Trainer, TrainingSettings

INNER = ("encoder", "encoder_bias", "decoder", "decoder_bias")
"""Weights between hidden layer and latents; a deep network's names for them begin with ``inner_``."""


class DeepNetwork(Network):
    """h = ReLU(W_e' (x - mean) + b_e); z = V_e' h + c_e; x_hat = mean + ReLU(z V_d + c_d) W_d + b_d.

    The loss is that of `Network`.

    Source: Hinton and Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks".

    Parameters
    ----------
    start : Start
        Its weights hold `inner_encoder` (V_e), `inner_encoder_bias`, `inner_decoder` and `inner_decoder_bias` too.
    """

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.inner_encoder = parameter(start.weights["inner_encoder"])
        self.inner_encoder_bias = parameter(start.weights["inner_encoder_bias"])
        self.inner_decoder = parameter(start.weights["inner_decoder"])
        self.inner_decoder_bias = parameter(start.weights["inner_decoder_bias"])

    def code(self, batch: SparseBatch) -> Tensor:
        """Give what the encoder will give for these rows, shape (n_rows, n_latents)."""
        return self.activations(batch) @ self.inner_encoder + self.inner_encoder_bias

    def last_hidden(self, code: Tensor) -> Tensor:
        """Give the hidden layer on the way out, shape (n_rows, n_hidden)."""
        return torch.relu(code @ self.inner_decoder + self.inner_decoder_bias)


def pretrained(
    outer: Start,
    inner: Mapping[str, Floats],
    rows: sp.csr_matrix,
    settings: TrainingSettings,
    n_epochs: int,
    ranks: Ranks = ALONE,
    on_epoch: EpochHook | None = None,
) -> dict[str, Floats]:
    """Train each pair of layers by itself, the inner one on what the outer one makes of the rows.

    Source: Bengio et al. 2007, "Greedy layer-wise training of deep networks"; with masking or noise, Vincent et al.
    2010, "Stacked denoising autoencoders".

    Parameters
    ----------
    outer : Start
        Of a network of one hidden layer.
    inner : mapping
        Weights from that hidden layer to the latents and back, as `initial_weights` gives them.
    rows : csr_matrix of shape (n_users, n_tokens)
        Scaled, not centred.
    settings : TrainingSettings
    n_epochs : int
        Passes over the rows for each pair; with 0 nothing is trained.
    ranks : Ranks
        Who trains together, each on its own rows.
    on_epoch : callable, optional
        Called with epochs counted over both pairs, and None.
    """
    epochs = count(1)

    def train(network: Network, rows: sp.csr_matrix) -> Network:
        trainer = Trainer(network, settings, outer.rng, ranks=ranks)
        for epoch in islice(epochs, n_epochs):
            trainer.run_epoch(rows)
            if on_epoch:
                on_epoch(epoch, None)
        return network

    network = train(Network(outer), rows)
    hidden = _hidden(network, rows)
    mean = _mean(hidden, ranks)
    start = Start(inner, mean, total_variance(hidden, mean, ranks) or 1.0, hidden.shape[0], outer.rng)
    learned = train(Network(start, activation="linear"), hidden).weights()
    learned["encoder_bias"] = learned["encoder_bias"] - mean @ learned["encoder"]  # a deep network does not centre h
    learned["decoder_bias"] = learned["decoder_bias"] + mean
    return network.weights() | {f"inner_{name}": learned[name] for name in INNER}


def _mean(rows: sp.csr_matrix, ranks: Ranks) -> Floats:
    share = rows.shape[0] / ranks.total(np.array([rows.shape[0]], np.float64))
    return ranks.total(np.asarray(rows.mean(axis=0), np.float64).ravel() * share).astype(np.float32)


@torch.no_grad()
def _hidden(network: Network, rows: sp.csr_matrix) -> sp.csr_matrix:
    return sp.csr_matrix(network.activations(SparseBatch.of(rows, network.device)).cpu().numpy())
