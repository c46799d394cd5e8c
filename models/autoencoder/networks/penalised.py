"""Networks of one hidden layer that differ from the plain one by a penalty on the code."""

from __future__ import annotations

import math

from torch import Tensor

from models.autoencoder.networks.base import Network, Start

SMALLEST_RATE = 1e-6
"""A mean activation is kept so far from 0 and 1 where its logarithm is taken."""


class L1Network(Network):
    """z = ReLU(W_e' (x - mean) + b_e); penalty = weight * mean over rows of sum_j z_j, in units of sqrt(variance).

    Decoder rows keep norm 1; without that, small activations times large rows would evade the penalty.

    Source: Bricken et al. 2023, "Towards monosemanticity"; Olshausen and Field 1996 for the sparse code.

    Parameters
    ----------
    start : Start
    penalty_weight : float
    """

    UNIT_NORM = True

    def __init__(self, start: Start, *, penalty_weight: float) -> None:
        super().__init__(start)
        self.penalty_weight = penalty_weight

    def penalty(self, code: Tensor) -> Tensor:
        """Give the weighted L1 norm of a mean row."""
        return self.penalty_weight * code.sum() / (len(code) * math.sqrt(self.variance))


class KLNetwork(Network):
    """z = sigmoid(W_e' (x - mean) + b_e); penalty = weight * mean_j KL(rho || rho_j).

    rho_j is the mean of z_j over the batch, and KL(a || b) = a log(a / b) + (1 - a) log((1 - a) / (1 - b)).

    Source: Ng 2011, "Sparse autoencoder", CS294A lecture notes, section 3.

    Parameters
    ----------
    start : Start
    target : float
        rho, the mean activation that is aimed at.
    penalty_weight : float
    """

    def __init__(self, start: Start, *, target: float, penalty_weight: float) -> None:
        super().__init__(start, activation="sigmoid")
        self.target, self.penalty_weight = target, penalty_weight

    def penalty(self, code: Tensor) -> Tensor:
        """Give the weighted divergence of the mean activations from the target."""
        rate, rho = code.mean(dim=0).clamp(SMALLEST_RATE, 1 - SMALLEST_RATE), self.target
        divergence = rho * (rho / rate).log() + (1 - rho) * ((1 - rho) / (1 - rate)).log()
        return self.penalty_weight * divergence.mean()


class ContractiveNetwork(Network):
    """z = sigmoid(W_e' (x - mean) + b_e); penalty = weight * mean over rows of |dz/dx|^2 (squared Frobenius norm).

    For one layer of sigmoids it is exact and cheap: sum_j (z_j (1 - z_j))^2 |w_j|^2, where w_j is column j of W_e.

    Source: Rifai et al. 2011, "Contractive auto-encoders", equation 7.

    Parameters
    ----------
    start : Start
    penalty_weight : float
    """

    def __init__(self, start: Start, *, penalty_weight: float) -> None:
        super().__init__(start, activation="sigmoid")
        self.penalty_weight = penalty_weight

    def penalty(self, code: Tensor) -> Tensor:
        """Give the weighted squared norm of the Jacobian."""
        slopes = (code * (1 - code)).square()
        return self.penalty_weight * (slopes @ self.encoder.square().sum(dim=0)).mean()
