"""What the networks share: one hidden layer, the reconstruction error, the constraint on the decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from models.autoencoder.networks.batch import SparseBatch
from models.autoencoder.networks.errors import squared_error
from models.autoencoder.ranks import ALONE, Ranks
from models.autoencoder.scaling import Floats


def _identity(values: Tensor) -> Tensor:
    return values


ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "linear": _identity,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
"""As `models.autoencoder.layers.ACTIVATIONS`, with gradients."""


@dataclass(frozen=True)
class Start:
    """What training starts from."""

    weights: Mapping[str, Floats]
    """By name, as `initial_weights` gives them, or as they were learned so far."""

    mean: Floats
    """Training mean of the scaled rows, shape (n_tokens,)."""

    variance: float
    """Squared deviation of a training row from the mean, summed over tokens, averaged over rows."""

    n_rows: int | None
    """Training rows; None where they come in a stream that has no end."""

    rng: np.random.Generator
    """Randomness of the network's own."""


class Network(nn.Module):
    """z = f(W_e' (x - mean) + b_e); x_hat = mean + z W_d + b_d.

    Loss, with the squares summed over tokens, averaged over rows and divided by `variance`::

        |x - x_hat|^2 + penalty(z)

    Parameters
    ----------
    start : Start
        Weights, mean and variance.
    activation : str
        f, a key of `ACTIVATIONS`.
    """

    UNIT_NORM: ClassVar[bool] = False
    """Whether decoder rows keep norm 1, without which a penalty on activations is met by large decoder rows."""

    mean: Tensor

    ranks: Ranks = ALONE
    """Who trains it."""

    def __init__(self, start: Start, *, activation: str = "relu") -> None:
        super().__init__()
        self.encoder = parameter(start.weights["encoder"])
        self.encoder_bias = parameter(start.weights["encoder_bias"])
        self.decoder = parameter(start.weights["decoder"])
        self.decoder_bias = parameter(start.weights["decoder_bias"])
        self.register_buffer("mean", torch.from_numpy(start.mean.copy()), persistent=False)
        self.variance = start.variance
        self.activation = ACTIVATIONS[activation]

    @property
    def device(self) -> torch.device:
        """Where the weights are, and batches must be."""
        return self.mean.device

    def weights(self) -> dict[str, Floats]:
        """Copy out what was learned, by the names it came with."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self.state_dict().items()}

    def activations(self, batch: SparseBatch) -> Tensor:
        """Give f of the first layer, shape (n_rows, n_latents)."""
        return self.activation(batch.times(self.encoder) + self.encoder_bias - self.mean @ self.encoder)

    def code(self, batch: SparseBatch) -> Tensor:
        """Give what the encoder will give for these rows, shape (n_rows, n_latents)."""
        return self.activations(batch)

    def last_hidden(self, code: Tensor) -> Tensor:
        """Give what the decoder's last product is made of, shape (n_rows, rows of `decoder`): the code itself."""
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Rebuild scaled rows, not centred, shape (n_rows, n_tokens)."""
        return self.last_hidden(code) @ self.decoder + (self.decoder_bias + self.mean)

    def training_loss(self, seen: SparseBatch, target: SparseBatch) -> Tensor:
        """Give the loss of rebuilding `target` from `seen`."""
        code = self.code(seen)
        return self.rebuilding_loss(code, target) + self.penalty(code)

    def rebuilding_loss(self, code: Tensor, target: SparseBatch) -> Tensor:
        """Give the mean squared error of a row rebuilt from its code, in units of the variance."""
        return self.squared_error(code, target) / (len(target) * self.variance)

    def squared_error(self, code: Tensor, target: SparseBatch) -> Tensor:
        """Sum up the squared errors of rows rebuilt from their codes."""
        return squared_error(target, self.last_hidden(code), self.decoder, self.decoder_bias + self.mean)

    def penalty(self, code: Tensor) -> Tensor:
        """Give what a code costs besides its error."""
        return code.new_zeros(())

    def per_row(self, error: Tensor) -> Tensor:
        """Give the mean squared error of a row, in units of the variance."""
        return error.square().sum() / (len(error) * self.variance)

    @torch.no_grad()
    def remove_parallel_gradient(self) -> None:
        """Drop the gradient along the decoder's rows: the unit norm undoes it, Adam would remember it."""
        if self.UNIT_NORM and self.decoder.grad is not None:
            along = (self.decoder.grad * self.decoder).sum(dim=1, keepdim=True)
            self.decoder.grad -= along * self.decoder

    @torch.no_grad()
    def normalise(self) -> None:
        """Bring each decoder row back to norm 1."""
        if self.UNIT_NORM:
            self.decoder.div_(self.decoder.norm(dim=1, keepdim=True).clamp_min(1e-12))


def initial_weights(n_tokens: int, n_latents: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Draw unit-norm decoder rows; the encoder starts as their transpose, both biases at zero."""
    decoder = rng.standard_normal((n_latents, n_tokens)).astype(np.float32)
    decoder /= np.linalg.norm(decoder, axis=1, keepdims=True)
    return {
        "encoder": np.ascontiguousarray(decoder.T),
        "encoder_bias": np.zeros(n_latents, np.float32),
        "decoder": decoder,
        "decoder_bias": np.zeros(n_tokens, np.float32),
    }


def parameter(values: Floats) -> nn.Parameter:
    """Copy an array into a parameter."""
    return nn.Parameter(torch.from_numpy(values.copy()))
