"""The TopK sparse autoencoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from models.autoencoder.encoder import SparseEncoder
from models.autoencoder.estimator import SparseAutoencoder
from models.autoencoder.scaling import Floats

if TYPE_CHECKING:
    from models.autoencoder.network import TopKNetwork
    from models.autoencoder.trainer import EpochHook


class TopKAutoencoder(SparseAutoencoder):
    """Of `n_latents` learned behaviours, the `k` that explain a user best.

    A code takes ``4 * k`` bytes: an index and a float16 for each latent. Loss and source:
    `models.autoencoder.network.TopKNetwork`. Width, k and dropout are best chosen by what the codes are used
    for: a lower reconstruction error is not a better embedding.

    Parameters
    ----------
    n_latents : int
        Width of the code.
    k : int
        Most non-zeros of a code.
    aux_k : int or None
        Most dead latents that share in the auxiliary loss; None is half of `n_latents`.
    aux_weight : float
        Weight of the auxiliary loss; 0 switches it off.
    dropout : float
        Share of a training row's non-zeros that are hidden from the encoder and still have to be rebuilt.
    scale_floor, scale_cap : float
        See `models.autoencoder.scaling.fit_scaling`.
    learning_rate : float
        Of Adam.
    batch_size : int
        Rows a step.
    max_epochs : int
        Most passes of `fit` over the rows.
    patience, tol : int, float
        `fit` stops after `patience` epochs in a row that did not lower the best held-out FVU by more than
        `tol`, and keeps the best epoch.
    validation_fraction : float
        Share of the rows of `fit` that are held out; with 0, FVU is measured on the training rows.
    n_threads : int or None
        Threads of PyTorch while fitting; None leaves them as they are. Other thread counts can give other
        weights. At widths below some hundred latents, one thread is as fast as several.
    random_state : int, RandomState or None
        For initial weights, held-out rows, order of the rows, dropout.
    on_epoch : callable or None
        ``on_epoch(epoch, fvu)`` after each epoch of `fit`, for progress.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_tokens,)
        Learned from the training rows; `mean_` is that of the scaled counts.
    encoder_ : ndarray of shape (n_tokens, n_latents)
        Started as the transpose of `decoder_`.
    encoder_bias_ : ndarray of shape (n_latents,)
        For centred inputs.
    decoder_ : ndarray of shape (n_latents, n_tokens)
        Rows of norm 1.
    decoder_bias_ : ndarray of shape (n_tokens,)
        Added to `mean_`.
    history_ : list of float
        Held-out FVU after each epoch of `fit`.
    measures_ : dict of float
        `fvu`, `l0`, `dead_fraction` and `bytes_per_user` of the held-out rows of `fit`, coded as `transform`
        codes them.
    n_iter_ : int
        Epochs of `fit`, and calls of `partial_fit` since.
    """

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "n_latents": (1, 2**15 - 1),
        "k": (1, 2**15 - 1),
        "aux_weight": (0, math.inf),
        "dropout": (0, 0.95),
        "scale_floor": (0, math.inf),
        "scale_cap": (1e-6, math.inf),
        "learning_rate": (0, math.inf),
        "batch_size": (1, math.inf),
        "max_epochs": (1, math.inf),
        "patience": (1, math.inf),
        "tol": (0, math.inf),
        "validation_fraction": (0, 0.9),
    }

    def __init__(
        self,
        *,
        n_latents: int = 32,
        k: int = 4,
        aux_k: int | None = None,
        aux_weight: float = 1 / 32,
        dropout: float = 0.0,
        scale_floor: float = 0.5,
        scale_cap: float = 10.0,
        learning_rate: float = 4e-3,
        batch_size: int = 512,
        max_epochs: int = 60,
        patience: int = 3,
        tol: float = 1e-3,
        validation_fraction: float = 0.1,
        n_threads: int | None = 1,
        random_state: int | np.random.RandomState | None = 0,
        on_epoch: EpochHook | None = None,
    ) -> None:
        self.n_latents = n_latents
        self.k = k
        self.aux_k = aux_k
        self.aux_weight = aux_weight
        self.dropout = dropout
        self.scale_floor = scale_floor
        self.scale_cap = scale_cap
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.tol = tol
        self.validation_fraction = validation_fraction
        self.n_threads = n_threads
        self.random_state = random_state
        self.on_epoch = on_epoch

    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""
        return SparseEncoder(self.scaling_, self.encoder_, self.encoder_bias_, self.k)

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.k > self.n_latents:
            raise ValueError(f"k is {self.k}, expected at most n_latents, {self.n_latents}")

    def _make_network(self, weights: Mapping[str, Floats], n_rows: int, variance: float) -> TopKNetwork:
        from models.autoencoder.network import TopKNetwork

        return TopKNetwork(
            weights,
            self.mean_,
            k=self.k,
            aux_k=self.aux_k or max(self.n_latents // 2, 1),
            aux_weight=self.aux_weight,
            dead_after=min(n_rows, 1000 * self.n_latents // self.k),
            variance=variance,
        )
