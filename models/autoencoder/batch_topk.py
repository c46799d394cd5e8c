"""The BatchTopK sparse autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import scipy.sparse as sp

from models.autoencoder.encoder import SparseEncoder
from models.autoencoder.layers import Layer
from models.autoencoder.ranks import Ranks
from models.autoencoder.scaling import Floats
from models.autoencoder.selection import Above
from models.autoencoder.topk import TopKAutoencoder

if TYPE_CHECKING:
    from models.autoencoder.networks.base import Start
    from models.autoencoder.networks.batch_topk import BatchTopKNetwork


class LearnedThreshold:
    """What training leaves behind besides the weights."""

    threshold_: Floats
    """Largest activation that is not kept, shape (1,)."""


@dataclass(kw_only=True, eq=False, repr=False)
class BatchTopKAutoencoder(LearnedThreshold, TopKAutoencoder):
    """As TopK, but k is the mean over users: one with many interests may have more latents than one with few.

    Codes hold what exceeds a threshold that training left behind, so they do not depend on who else is encoded, and
    their mean length on new users is near k, not equal to it.

    Loss and shapes are those of `TopKAutoencoder`, but z keeps the ``k * n`` largest activations of all n users of a
    training batch. Source: Bussmann et al. 2024, "BatchTopK sparse autoencoders"; details:
    `models.autoencoder.networks.batch_topk.BatchTopKNetwork`.

    Choose it when users differ much in how much they do and codes need not be of one size.
    """

    WEIGHTS: ClassVar[tuple[str, ...]] = (*TopKAutoencoder.WEIGHTS, "threshold")

    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""
        layers = (Layer(self.encoder_, self.encoder_bias_, "linear"),)
        return SparseEncoder(self.scaling_, layers, Above(float(self.threshold_[0]), self.value_bits))

    def _initial_weights(self, scaled: sp.csr_matrix, rng: np.random.Generator, ranks: Ranks) -> Mapping[str, Floats]:
        return {**super()._initial_weights(scaled, rng, ranks), "threshold": np.zeros(1, np.float32)}

    def _make_network(self, start: Start) -> BatchTopKNetwork:
        from models.autoencoder.networks.batch_topk import BatchTopKNetwork

        return BatchTopKNetwork(start, **self._network_settings(start))
