"""What makes a code tell clicks as well: a logistic regression on it, learned along with it and thrown away after."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from models.autoencoder.labels import Labels


class ClickHead(nn.Module):
    """p = sigmoid(z w + b), with z the code of a row; w begins at zero, and b at the rate of all.

    Loss, averaged over rows, with c clicks of s sends a row::

        -(c log p + (s - c) log(1 - p)) / (sends_per_row * entropy)

    so that 1 is what the rate alone gets, as it is for the reconstruction error in units of the variance.

    Source: Le, Patterson and White 2018, "Supervised autoencoders: improving generalization performance with
    unsupervised regularizers"; Bengio et al. 2007, "Greedy layer-wise training of deep networks", section 4, for the
    same idea a layer at a time.

    Parameters
    ----------
    n_latents : int
        Width of the code.
    labels : Labels
        Of all training rows.
    """

    def __init__(self, n_latents: int, labels: Labels) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_latents))
        self.bias = nn.Parameter(torch.tensor(np.log(labels.rate / (1 - labels.rate)), dtype=torch.float32))
        self.unit = labels.sends_per_row * labels.entropy

    def loss(self, code: Tensor, counts: Tensor) -> Tensor:
        """Give the log-loss of codes of shape (n_rows, n_latents) for their clicks and sends, shape (n_rows, 2)."""
        clicks, sends = counts.unbind(dim=1)
        logit = code @ self.weight + self.bias
        return (sends * softplus(logit) - clicks * logit).sum() / (len(code) * self.unit)
