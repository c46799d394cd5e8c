"""The deep contractive network."""

from __future__ import annotations

import torch
from torch import Tensor

from models.autoencoder.networks.base import Start
from models.autoencoder.networks.batch import SparseBatch
from models.autoencoder.networks.deep import DeepNetwork


class DeepContractiveNetwork(DeepNetwork):
    """As `DeepNetwork`, with a penalty: weight * mean over rows of |dz/dx|^2 (squared Frobenius norm).

    Through several layers the norm is estimated: for signs s drawn at random, one for each latent, the mean of
    |s' dz/dx|^2 is |dz/dx|^2. A step takes one draw a row, and one product with each layer's weight.

    Source: Rifai et al. 2011, "Contractive auto-encoders"; Hutchinson 1989, "A stochastic estimator of the trace of
    the influence matrix", for the estimate.

    Parameters
    ----------
    start : Start
        See `DeepNetwork`.
    penalty_weight : float
    """

    def __init__(self, start: Start, *, penalty_weight: float) -> None:
        super().__init__(start)
        self.penalty_weight = penalty_weight
        self.generator = torch.Generator().manual_seed(int(start.rng.integers(2**62)))

    def training_loss(self, seen: SparseBatch, target: SparseBatch) -> Tensor:
        """Give the loss of rebuilding `target` from `seen`, and what the slope of the code costs there."""
        hidden = self.activations(seen)
        code = hidden @ self.inner_encoder + self.inner_encoder_bias
        slope = self.squared_jacobians(hidden).mean()
        return self.rebuilding_loss(code, target) + self.penalty_weight * slope

    def squared_jacobians(self, hidden: Tensor) -> Tensor:
        """Estimate |dz/dx|^2 of rows with these activations of the hidden layer, shape (n_rows,)."""
        shape = (len(hidden), self.inner_encoder.shape[1])
        signs = 2.0 * torch.randint(0, 2, shape, generator=self.generator).to(hidden) - 1
        of_hidden = (signs @ self.inner_encoder.T) * (hidden > 0)
        return (of_hidden @ self.encoder.T).square().sum(dim=1)
