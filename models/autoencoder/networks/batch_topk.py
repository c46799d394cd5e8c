"""The BatchTopK network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from models.autoencoder.networks.active import at_places
from models.autoencoder.networks.base import Start
from models.autoencoder.networks.batch import SparseBatch
from models.autoencoder.networks.topk import TopKNetwork

MEMORY = 0.99
"""Weight of the past in the running mean of the threshold."""


class BatchTopKNetwork(TopKNetwork):
    """As `TopKNetwork`, but a training batch of n rows keeps its k * n largest activations, whosever they are.

    The rows to encode later come in no such batch: what is kept then is what exceeds `threshold`, the running mean of
    each batch's smallest kept activation. Held-out FVU is measured with it too.

    Where several processes train, each keeps the largest of its own rows, and the threshold is their mean.

    Source: Bussmann et al. 2024, "BatchTopK sparse autoencoders".

    Parameters
    ----------
    start : Start
        Its weights hold `threshold` too, of shape (1,): 0 when nothing was learned yet.
    **settings
        See `TopKNetwork`.
    """

    threshold: Tensor

    def __init__(self, start: Start, **settings: Any) -> None:
        super().__init__(start, **settings)
        self.register_buffer("threshold", torch.from_numpy(start.weights["threshold"].copy()))

    def code(self, batch: SparseBatch) -> Tensor:
        """Give what the encoder will give for these rows, shape (n_rows, n_latents)."""
        activations = self.activations(batch)
        return activations * (activations > self.threshold)

    def kept_in_training(self, activations: Tensor) -> SparseBatch:
        """Keep the largest of the whole batch, and move the threshold."""
        n_rows, n_latents = activations.shape
        values, places = activations.flatten().topk(n_rows * self.k, sorted=False)
        self._move_threshold(values.detach())
        places, order = places.sort()
        return at_places(values[order], places, n_rows, n_latents)

    def _move_threshold(self, kept: Tensor) -> None:
        smallest = kept[kept > 0].min() if bool((kept > 0).any()) else kept.new_zeros(())
        self.ranks.average([smallest])
        memory = MEMORY if bool(self.threshold > 0) else 0.0
        self.threshold.mul_(memory).add_((1 - memory) * smallest)
