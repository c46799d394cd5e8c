"""What the autoencoders share as scikit-learn estimators: checks, training, coding, score."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from models.autoencoder.encoder import SparseEncoder, canonical
from models.autoencoder.measures import fvu_of, measure
from models.autoencoder.scaling import CountScaling, Floats, fit_scaling, total_variance

if TYPE_CHECKING:  # a worker that only encodes is spared the seconds that torch takes to import
    from models.autoencoder.network import TopKNetwork
    from models.autoencoder.trainer import EpochHook, Trainer

Rows = sp.csr_matrix | npt.NDArray[np.number]
"""Raw counts of shape (n_users, n_tokens), none negative."""


class SparseAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """Scaling, training loop, codes and score; a variant adds its settings, its network and its encoder."""

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]]
    """Least and largest value of each setting, both allowed."""

    LEARNED: ClassVar[tuple[str, ...]] = (
        "mean_",
        "scale_",
        "encoder_",
        "encoder_bias_",
        "decoder_",
        "decoder_bias_",
    )
    """Attributes that make up a fitted model, all ndarrays."""

    mean_: Floats
    scale_: Floats
    encoder_: Floats
    encoder_bias_: Floats
    decoder_: Floats
    decoder_bias_: Floats
    n_features_in_: int

    scale_floor: float
    scale_cap: float
    n_latents: int
    validation_fraction: float
    n_threads: int | None
    random_state: int | np.random.RandomState | None
    on_epoch: EpochHook | None

    @abstractmethod
    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""

    @abstractmethod
    def _make_network(self, weights: Mapping[str, Floats], n_rows: int, variance: float) -> TopKNetwork:
        """Make the network of `weights` for training on `n_rows` rows of this total variance."""

    def fit(self, X: Rows, y: object = None) -> Self:  # noqa: ARG002
        """Learn scaling and weights.

        Parameters
        ----------
        X : csr_matrix or array-like of shape (n_users, n_tokens)
            Raw counts. `validation_fraction` of the rows only serve to stop early.
        y : ignored

        Raises
        ------
        ValueError
            When a setting is out of its limits, or a count is negative or not finite.
        """
        from models.autoencoder.trainer import torch_threads

        rows = self._check(X, reset=True)
        rng = self._rng()
        train, held_out = _split(rows, self.validation_fraction, rng)
        with torch_threads(self.n_threads):
            trainer = self._first_trainer(train, rng)
            self.history_ = trainer.fit(self.scaling_.apply(train), self.scaling_.apply(held_out), self.on_epoch)
        self.n_iter_ = len(self.history_)
        self._take_weights(trainer)
        self._trainer: Trainer | None = None
        self.measures_ = measure(self, held_out)
        return self

    def partial_fit(self, X: Rows, y: object = None) -> Self:  # noqa: ARG002
        """Make one pass over more rows, starting from the present weights, whether fitted, loaded or new.

        The scaling stays that of the first rows seen.

        Parameters
        ----------
        X : csr_matrix or array-like of shape (n_users, n_tokens)
            Raw counts.
        y : ignored
        """
        from models.autoencoder.trainer import torch_threads

        first = not hasattr(self, "mean_")
        rows = self._check(X, reset=first)
        trainer = None if first else getattr(self, "_trainer", None)
        with torch_threads(self.n_threads):
            if trainer is None:
                rng = self._rng()
                trainer = self._first_trainer(rows, rng) if first else self._make_trainer(rows, rng)
            trainer.run_epoch(self.scaling_.apply(rows))
        self.n_iter_ = getattr(self, "n_iter_", 0) + 1
        self._take_weights(trainer)
        self._trainer = trainer
        return self

    def transform(self, X: Rows) -> sp.csr_matrix:
        """Encode users.

        Parameters
        ----------
        X : csr_matrix or array-like of shape (n_users, n_tokens)
            Raw counts. A row without any is encoded as what it is, a user who did nothing.

        Returns
        -------
        csr_matrix of float32, shape (n_users, n_latents)
            Positive values, rounded to float16. A row's code depends on that row alone.
        """
        check_is_fitted(self, self.LEARNED)
        return self.sparse_encoder().encode(self._check(X, reset=False))

    def inverse_transform(self, X: Rows) -> Floats:
        """Give the counts that codes of shape (n_users, n_latents) stand for, shape (n_users, n_tokens)."""
        return np.asarray(np.expm1(np.maximum(self.rebuild(X), 0) * self.scale_))

    def rebuild(self, codes: Rows) -> Floats:
        """Decode codes into the scaled space, not centred, in which loss and FVU are measured."""
        check_is_fitted(self, self.LEARNED)
        return np.asarray(sp.csr_matrix(codes) @ self.decoder_ + (self.decoder_bias_ + self.mean_))

    def score(self, X: Rows, y: object = None) -> float:  # noqa: ARG002
        """Give the explained share of variance, 1 - FVU: 1 is perfect, 0 no better than the training mean."""
        check_is_fitted(self, self.LEARNED)
        return 1.0 - fvu_of(self, self._check(X, reset=False))

    @property
    def scaling_(self) -> CountScaling:
        """The learned scaling of the counts."""
        return CountScaling(self.mean_, self.scale_, self.scale_cap)

    @property
    def _n_features_out(self) -> int:
        return len(self.decoder_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _check_settings(self) -> None:
        for name, (low, high) in self.LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}, expected {low} to {high}")

    def _check(self, X: Rows, *, reset: bool) -> sp.csr_matrix:
        if reset:
            self._check_settings()
        rows = validate_data(self, X, reset=reset, accept_sparse="csr", dtype=np.float32, ensure_non_negative=True)
        return canonical(sp.csr_matrix(rows))

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))

    def _first_trainer(self, rows: sp.csr_matrix, rng: np.random.Generator) -> Trainer:
        from models.autoencoder.network import initial_weights

        scaling = fit_scaling(rows, floor=self.scale_floor, cap=self.scale_cap)
        self.mean_, self.scale_ = scaling.mean, scaling.scale
        for name, value in initial_weights(rows.shape[1], self.n_latents, rng).items():
            setattr(self, f"{name}_", value)
        return self._make_trainer(rows, rng)

    def _make_trainer(self, rows: sp.csr_matrix, rng: np.random.Generator) -> Trainer:
        from models.autoencoder.trainer import Trainer, TrainingSettings

        weights = {name: getattr(self, f"{name}_") for name in ("encoder", "encoder_bias", "decoder", "decoder_bias")}
        variance = total_variance(self.scaling_.apply(rows), self.mean_)
        network = self._make_network(weights, rows.shape[0], variance or 1.0)
        return Trainer(network, TrainingSettings.of(self), rng)

    def _take_weights(self, trainer: Trainer) -> None:
        for name, value in trainer.network.weights().items():
            setattr(self, f"{name}_", value)


def _split(rows: sp.csr_matrix, held_out_share: float, rng: np.random.Generator) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Draw the held-out rows; where the share is 0 or there is one row only, both parts are all rows."""
    n_rows = rows.shape[0]
    n_held_out = min(math.ceil(n_rows * held_out_share), n_rows - 1)
    if n_held_out == 0:
        return rows, rows
    order = rng.permutation(n_rows)
    return rows[np.sort(order[n_held_out:])], rows[np.sort(order[:n_held_out])]
