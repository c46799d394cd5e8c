"""What the autoencoders share as scikit-learn estimators: checks, training, coding, score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from models.autoencoder.encoder import SparseEncoder, canonical
from models.autoencoder.held_out import split
from models.autoencoder.labels import Labels
from models.autoencoder.measures import fvu_of, measure
from models.autoencoder.ranks import ALONE, Ranks
from models.autoencoder.scaling import CountScaling, Floats, fit_scaling, total_variance
from models.autoencoder.settings import Settings
from models.autoencoder.warm_start import LastVersion

if TYPE_CHECKING:  # a worker that only encodes is spared the seconds that torch takes to import
    from models.autoencoder.networks.base import Network, Start
    from models.autoencoder.trainer import Trainer

Rows = sp.csr_matrix | npt.NDArray[np.number]
"""Raw counts of shape (n_users, n_tokens), none negative."""


@dataclass(kw_only=True, eq=False, repr=False)
class Autoencoder(Settings, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """Scaling, training loop, codes and score; a variant adds its settings, its network and its encoder.

    Any variant is a denoising autoencoder with `dropout` or `noise`: its code z is then made of a corrupted x~, whose
    tokens are hidden with probability `dropout` (the others are scaled up for it) and have N(0, noise^2) added, while
    its loss stays that of rebuilding the clean x, of shape (n_tokens,), from z, of shape (n_latents,)::

        |x - x_hat(z(x~))|^2 / variance + the variant's penalty

    Source: Vincent et al. 2010, "Stacked denoising autoencoders". Choose it when what users did is a small sample of
    what they like: what is hidden has to be told by the rest.
    """

    @abstractmethod
    def sparse_encoder(self) -> SparseEncoder:
        """Give what encoding needs and no more, fit to be sent to workers."""

    @abstractmethod
    def _make_network(self, start: Start) -> Network:
        """Make the network to train."""

    def fit(
        self,
        X: Rows,
        y: npt.ArrayLike | None = None,
        *,
        groups: npt.ArrayLike | None = None,
        last: LastVersion | None = None,
        ranks: Ranks = ALONE,
        blocks: Sequence[str] | None = None,
    ) -> Self:
        """Learn scaling and weights.

        Parameters
        ----------
        X : csr_matrix or array-like of shape (n_rows, n_tokens)
            Raw counts. `validation_fraction` of the rows only serve to stop early.
        y : array-like of shape (n_rows, 2), optional
            Clicks and sends of each row's user after the row was taken; a row without sends has no label and is
            rebuilt all the same. Needed where `click_weight` is above 0, else not looked at.
        groups : array-like of shape (n_rows,), optional
            Who a row is of: all rows of a user are held out, or none. By default, each row is a user of its own.
        last : LastVersion, optional
            What to start from instead of drawn weights; the scaling is learned anew.
        ranks : Ranks
            Processes that learn together, each from its own rows, where it is not this one alone. All get the same
            weights; `measures_` are of the process's own held-out rows.
        blocks : sequence of str, optional
            The block of features of each token, for `measures_` alone.

        Raises
        ------
        ValueError
            When a setting is out of its limits, a count is negative or not finite, `y` is needed and is not clicks and
            sends, some of them clicked and some not, `last` is of another variant or width, or training diverges.
        """
        from models.autoencoder.devices import torch_threads

        rows = self._check(X, reset=True)
        labels = Labels.of(y, rows.shape[0], ranks) if self.click_weight else None
        if last:
            last.check(self)
        rng = ranks.own(self._rng())
        learn, check = split(rows.shape[0], self.validation_fraction, rng, groups)
        train, held_out = rows[learn], rows[check]
        with torch_threads(self.n_threads):
            ended = Labels.of(labels.counts[learn], train.shape[0], ranks) if labels else None
            trainer = self._first_trainer(train, rng, ended, last, ranks)
            scaled = [self.scaling_.apply(part) for part in (train, held_out)]
            later = labels.counts[check] if labels else None
            self.history_ = trainer.fit(scaled[0], scaled[1], self.on_epoch, ended, later)
        self.n_iter_ = len(self.history_)
        self._set_weights(trainer.network.weights())
        self._trainer: Trainer | None = None
        self.measures_ = measure(self, held_out, blocks)
        return self

    def partial_fit(self, X: Rows, y: npt.ArrayLike | None = None, *, last: LastVersion | None = None) -> Self:
        """Make one pass over more rows, starting from the present weights, whether fitted, loaded or new.

        The scaling stays that of the first rows seen. So do the units that losses are measured in, the variance of a
        row and the rate and number of its sends: means over these rows, however many there are.

        Parameters
        ----------
        X : csr_matrix or array-like of shape (n_rows, n_tokens)
            Raw counts.
        y : array-like of shape (n_rows, 2), optional
            See `fit`.
        last : LastVersion, optional
            See `fit`; for the first rows alone.
        """
        from models.autoencoder.devices import torch_threads

        first = not hasattr(self, "mean_")
        rows = self._check(X, reset=first)
        if last and first:
            last.check(self)
        labels = Labels.of_some(y, rows.shape[0]) if self.click_weight else None
        trainer = None if first else getattr(self, "_trainer", None)
        with torch_threads(self.n_threads):
            if trainer is None:
                if first:
                    trainer = self._first_trainer(rows, self._rng(), labels, last, streams=True)
                else:
                    trainer = self._make_trainer(rows, self._rng(), labels, streams=True)
            trainer.run_epoch(self.scaling_.apply(rows), labels)
        self.n_iter_ = getattr(self, "n_iter_", 0) + 1
        self._set_weights(trainer.network.weights())
        self._trainer = trainer
        return self

    def restore(self, learned: Mapping[str, Floats]) -> None:
        """Go back to attributes that were `learned` before; `partial_fit` then goes on from there."""
        for name, value in learned.items():
            setattr(self, name, value)
        self._trainer = None

    def transform(self, X: Rows) -> sp.csr_matrix:
        """Encode users.

        Parameters
        ----------
        X : csr_matrix or array-like of shape (n_users, n_tokens)
            Raw counts. A row without any is encoded as what it is, a user who did nothing.

        Returns
        -------
        csr_matrix of float32, shape (n_users, n_latents)
            Rounded to `value_bits`. A sparse variant's values are positive; a dense variant stores every latent. A
            row's code depends on that row alone.
        """
        from models.autoencoder.devices import torch_threads

        check_is_fitted(self, self.learned)
        with torch_threads(self.n_threads):
            return self.sparse_encoder().encode(self._check(X, reset=False))

    def inverse_transform(self, X: Rows) -> Floats:
        """Give the counts that codes of shape (n_users, n_latents) stand for, shape (n_users, n_tokens)."""
        return np.asarray(np.expm1(np.maximum(self.rebuild(X), 0) * self.scale_))

    def rebuild(self, codes: Rows) -> Floats:
        """Decode codes into the scaled space, not centred, in which loss and FVU are measured."""
        check_is_fitted(self, self.learned)
        return np.asarray(sp.csr_matrix(codes) @ self.decoder_ + (self.decoder_bias_ + self.mean_))

    def score(self, X: Rows, y: object = None) -> float:  # noqa: ARG002
        """Give the explained share of variance, 1 - FVU: 1 is perfect, 0 no better than the training mean."""
        check_is_fitted(self, self.learned)
        return 1.0 - fvu_of(self, self._check(X, reset=False))

    @property
    def scaling_(self) -> CountScaling:
        """The learned scaling of the counts."""
        return CountScaling(self.mean_, self.scale_, self.scale_cap)

    @property
    def _n_features_out(self) -> int:
        return self.sparse_encoder().n_latents

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _check(self, X: Rows, *, reset: bool) -> sp.csr_matrix:
        if reset:
            self.check_settings()
        rows = validate_data(self, X, reset=reset, accept_sparse="csr", dtype=np.float32, ensure_non_negative=True)
        return canonical(sp.csr_matrix(rows))

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))

    def _first_trainer(
        self,
        rows: sp.csr_matrix,
        rng: np.random.Generator,
        labels: Labels | None,
        last: LastVersion | None = None,
        ranks: Ranks = ALONE,
        *,
        streams: bool = False,
    ) -> Trainer:
        scaling = fit_scaling(rows, floor=self.scale_floor, cap=self.scale_cap, ranks=ranks)
        self.mean_, self.scale_ = scaling.mean, scaling.scale
        drawn = self._initial_weights(scaling.apply(rows), rng, ranks)
        self._set_weights(last.start(drawn, scaling) if last else drawn)
        trainer = self._make_trainer(rows, rng, labels, ranks, streams=streams)
        if last:
            trainer.network.normalise()
        return trainer

    def _initial_weights(
        self,
        scaled: sp.csr_matrix,
        rng: np.random.Generator,
        ranks: Ranks,  # noqa: ARG002 -- for who learns something first
    ) -> Mapping[str, Floats]:
        """Give the `WEIGHTS` to start from; where several processes draw, the first one's are taken."""
        from models.autoencoder.networks.base import initial_weights

        return initial_weights(scaled.shape[1], self.n_latents, rng)

    def _make_trainer(
        self,
        rows: sp.csr_matrix,
        rng: np.random.Generator,
        labels: Labels | None,
        ranks: Ranks = ALONE,
        *,
        streams: bool = False,
    ) -> Trainer:
        from models.autoencoder.networks.base import Start
        from models.autoencoder.networks.click_head import ClickHead
        from models.autoencoder.trainer import Trainer, TrainingSettings

        weights = {name: getattr(self, f"{name}_") for name in self.WEIGHTS}
        variance = total_variance(self.scaling_.apply(rows), self.mean_, ranks) or 1.0
        n_rows = None if streams else int(ranks.total(np.array([rows.shape[0]], np.float64))[0])
        network = self._make_network(Start(weights, self.mean_, variance, n_rows, rng.spawn(1)[0]))
        head = ClickHead(self.sparse_encoder().n_latents, labels) if labels else None
        return Trainer(network, TrainingSettings.of(self), rng, head, ranks)

    def _set_weights(self, weights: Mapping[str, Floats]) -> None:
        for name, value in weights.items():
            setattr(self, f"{name}_", value)
