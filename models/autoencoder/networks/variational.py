"""The variational network."""

from __future__ import annotations

import torch
from torch import Tensor

from models.autoencoder.networks.base import Network, Start, parameter
from models.autoencoder.networks.batch import SparseBatch


class VariationalNetwork(Network):
    """q(z | x) = N(m, diag(exp v)), m = W_e' (x - mean) + b_e, v = W_s' (x - mean) + b_s; x_hat = mean + z W_d + b_d.

    Loss, averaged over rows, with z drawn from q::

        |x - x_hat|^2 / variance + beta * sum_j (m_j^2 + exp(v_j) - v_j - 1) / 2

    The second sum is KL(q || N(0, 1)). Latents that are not worth it fall back to the prior and say nothing.

    Source: Kingma and Welling 2014, "Auto-encoding variational Bayes", appendix B; beta from Higgins et al. 2017.

    Parameters
    ----------
    start : Start
        Its weights hold `spread` of shape (n_tokens, n_latents) and `spread_bias` of shape (n_latents,) too.
    beta : float
    """

    def __init__(self, start: Start, *, beta: float) -> None:
        super().__init__(start, activation="linear")
        self.spread = parameter(start.weights["spread"])
        self.spread_bias = parameter(start.weights["spread_bias"])
        self.beta = beta
        self.generator = torch.Generator().manual_seed(int(start.rng.integers(2**62)))

    def training_loss(self, seen: SparseBatch, target: SparseBatch) -> Tensor:
        """Give the loss of rebuilding `target` from codes drawn around those of `seen`."""
        centre = self.code(seen)
        log_variance = seen.times(self.spread) + self.spread_bias - self.mean @ self.spread
        drawn = centre + torch.randn(centre.shape, generator=self.generator).to(self.device) * (log_variance / 2).exp()
        divergence = (centre.square() + log_variance.exp() - log_variance - 1).sum() / (2 * len(seen))
        return self.rebuilding_loss(drawn, target) + self.beta * divergence
