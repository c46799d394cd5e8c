"""Going on from the last version: its weights on today's vocabulary and in today's scale, and how far they moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from models.autoencoder.measures import linear_cka, matched_cosine, matched_share
from models.autoencoder.scaling import CountScaling, Floats

if TYPE_CHECKING:
    from models.autoencoder.estimator import Autoencoder

Moved = dict[str, float]
"""See `LastVersion.stability`."""

READS_TOKENS = {"encoder": "encoder_bias", "spread": "spread_bias"}
"""Weights with a row a token, which centred inputs are multiplied by, and the bias of each."""


@dataclass(frozen=True)
class LastVersion:
    """A fitted autoencoder, and where its tokens are now."""

    estimator: Autoencoder
    here: npt.NDArray[np.intp]
    """Columns of today's vocabulary that the last version has too."""
    there: npt.NDArray[np.intp]
    """The last version's columns of the same tokens."""

    @classmethod
    def of(cls, estimator: Autoencoder, its_vocabulary: Sequence[str], vocabulary: Sequence[str]) -> Self:
        """Match tokens by name."""
        places = {token: place for place, token in enumerate(its_vocabulary)}
        pairs = [(here, places[token]) for here, token in enumerate(vocabulary) if token in places]
        here, there = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
        return cls(estimator, here, there)

    def check(self, estimator: Autoencoder) -> None:
        """Raise ValueError where an estimator is of another variant or width, or no token is known to both."""
        wanted, got = (f"{type(one).__name__} of {_widths(one)}" for one in (self.estimator, estimator))
        if wanted != got:
            raise ValueError(f"the last version is a {wanted}: expected the same, got {got}")
        if not self.here.size:
            raise ValueError("the last version knows none of today's tokens: expected some")

    def start(self, cold: Mapping[str, Floats], scaling: CountScaling) -> dict[str, Floats]:
        """Give the weights to begin from.

        Without new tokens, a user's code is what it was before (values at the scaling's cap aside). New tokens get what
        a cold start gives them; those that are gone count as never seen.

        Parameters
        ----------
        cold : mapping
            Weights by name, as drawn for a cold start.
        scaling : CountScaling
            Today's.
        """
        old = self.estimator
        weights = {name: getattr(old, f"{name}_").copy() for name in old.WEIGHTS}
        for name, bias in READS_TOKENS.items():
            if name in weights:
                read = cold[name].copy()
                read[self.here] = weights[name][self.there] * self._ratio(scaling)[:, None]
                uncentred = weights[bias] - old.mean_ @ weights[name]
                weights[bias] = uncentred + scaling.mean[self.here] @ read[self.here]
                weights[name] = read
        decoder, decoder_bias = cold["decoder"].copy(), cold["decoder_bias"].copy()
        decoder[:, self.here] = self._decoder(scaling)
        mean = (old.mean_ + weights["decoder_bias"])[self.there] / self._ratio(scaling)
        decoder_bias[self.here] = mean - scaling.mean[self.here]
        return weights | {"decoder": decoder, "decoder_bias": decoder_bias}

    def stability(self, estimator: Autoencoder, counts: sp.csr_matrix) -> Moved:
        """Measure how much of the last version is left.

        Parameters
        ----------
        estimator : Autoencoder
            Fitted on today's vocabulary.
        counts : csr_matrix of shape (n_users, n_tokens)
            Raw counts of today's tokens.

        Returns
        -------
        dict
            `shared_tokens`; `matched_cosine` and `matched_share` of the decoders over these tokens, and `linear_cka` of
            the codes that both give these users (see `models.autoencoder.measures`).
        """
        own, its = estimator.decoder_[:, self.here], self._decoder(estimator.scaling_)
        before = self.estimator.transform(counts @ self._columns(counts.shape[1]))
        return {
            "shared_tokens": len(self.here),
            "matched_cosine": matched_cosine(own, its),
            "matched_share": matched_share(own, its),
            "linear_cka": linear_cka(estimator.transform(counts), before),
        }

    def _ratio(self, scaling: CountScaling) -> Floats:
        """Give what takes a shared token from today's scale to the last version's."""
        return np.asarray(scaling.scale[self.here] / self.estimator.scale_[self.there])

    def _decoder(self, scaling: CountScaling) -> Floats:
        return np.asarray(self.estimator.decoder_[:, self.there] / self._ratio(scaling))

    def _columns(self, n_tokens: int) -> sp.csr_matrix:
        shape = (n_tokens, self.estimator.n_features_in_)
        return sp.csr_matrix((np.ones(len(self.here), np.float32), (self.here, self.there)), shape=shape)


def _widths(estimator: Autoencoder) -> str:
    settings = estimator.get_params()
    hidden = f" with {settings['n_hidden']} hidden units" if "n_hidden" in settings else ""
    return f"{estimator.n_latents} latents{hidden}"
