"""The network of predictive sparse decomposition."""

from __future__ import annotations

import torch
from torch import Tensor

from models.autoencoder.networks.active import product_of
from models.autoencoder.networks.base import Network, Start
from models.autoencoder.networks.batch import SparseBatch


class PredictiveNetwork(Network):
    """A dictionary W_d with sparse codes z*, and an encoder f(x) = ReLU(W_e' (x - mean) + b_e) that predicts them.

    Each step first finds, for each row, the z* >= 0 that minimises (by `steps` proximal gradient steps from f(x))::

        |x - x_hat(z)|^2 + l1 * sqrt(variance) * sum_j z_j + prediction * |z - f(x)|^2

    and then moves the dictionary and the encoder down the first and the last term at that z*, both divided by
    `variance`. Decoder rows keep norm 1. Encoding is f alone.

    Source: Kavukcuoglu, Ranzato and LeCun 2008, "Fast inference in sparse coding algorithms", equation 4. Its encoder
    is a scaled tanh; a rectified one has codes that are sparse in themselves.

    Parameters
    ----------
    start : Start
    l1 : float
        What a code costs.
    prediction : float
        Weight of the encoder's error.
    steps : int
        Steps of the search for z*.
    """

    UNIT_NORM = True

    def __init__(self, start: Start, *, l1: float, prediction: float, steps: int) -> None:
        super().__init__(start)
        self.l1, self.prediction, self.steps = l1, prediction, steps

    def training_loss(self, seen: SparseBatch, target: SparseBatch) -> Tensor:
        """Give the error of the best codes and of their prediction."""
        predicted = self.code(seen)
        best = self.best_code(target, predicted)
        return self.rebuilding_loss(best, target) + self.prediction * self.per_row(best - predicted)

    @torch.no_grad()
    def best_code(self, rows: SparseBatch, predicted: Tensor) -> Tensor:
        """Search z* of rows from the prediction, shape (n_rows, n_latents); the objective never rises."""
        gram = self.decoder @ self.decoder.T
        wanted = rows.times(self.decoder.T) - (self.decoder_bias + self.mean) @ self.decoder.T
        steepest = 2 * (gram.abs().sum(dim=1).max() + self.prediction)
        cost = self.l1 * self.variance**0.5
        code = predicted
        for _ in range(self.steps):
            slope = 2 * (product_of(code, gram) - wanted + self.prediction * (code - predicted)) + cost
            code = torch.relu(code - slope / steepest)
        return code
