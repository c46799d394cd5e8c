"""The dense embeddings that autoencoders have to beat, each at a given number of bytes a user.

All see the counts as the autoencoders do: log1p, scaled, capped. None is handicapped: a principal component is
centred, 8 bits are spread over each component's own range, and like the autoencoders they may choose between two floors
of the scale and take fewer bytes than there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import NMF, PCA, TruncatedSVD
from sklearn.random_projection import GaussianRandomProjection

from models.autoencoder.rounding import to_float16
from models.autoencoder.scaling import CountScaling, fit_scaling

RIDGE = 1e-6
NMF_EPOCHS = 100


class Embedding(Protocol):
    """A fitted embedding of any kind."""

    def encode(self, counts: sp.csr_matrix) -> sp.csr_matrix | NDArray[np.float32]:
        """Give codes as they would be stored."""
        ...

    def bytes_per_user(self, codes: sp.csr_matrix | NDArray[np.float32]) -> float:
        """Give the mean size of a stored code."""
        ...

    def fvu(self, counts: sp.csr_matrix) -> float:
        """Give the share of variance that the codes of these users leave unexplained, in the embedding's own scale."""
        ...

    def dead_fraction(self, codes: sp.csr_matrix | NDArray[np.float32]) -> float | None:
        """Give the share of latents that no user has; None for dense embeddings."""
        ...

    def rebuilt(self, counts: sp.csr_matrix) -> NDArray[np.floating]:
        """Give what the codes of these users say of log1p of their counts, shape (n_users, n_tokens)."""
        ...

    def dictionary(self) -> NDArray[np.floating] | None:
        """Give what each latent stands for, shape (n_latents, n_tokens); None where no row is a latent's own."""
        ...


@dataclass
class Projected:
    """Any transformer on scaled counts, with values in float16 or int8 and the best linear decoder."""

    scaling: CountScaling
    transformer: Any
    bits: int
    steps: NDArray[np.float32] | None = None
    decoder: NDArray[np.float64] | None = None

    @classmethod
    def fit(cls, transformer: Any, counts: sp.csr_matrix, *, bits: int, floor: float, dense: bool = False) -> Projected:
        scaling = fit_scaling(counts, floor=floor, cap=10.0)
        scaled = scaling.apply(counts)
        transformer.fit(scaled.toarray() if dense else scaled)
        fitted = cls(scaling, transformer, bits)
        values = fitted._values(counts)
        if bits == 8:
            fitted.steps = np.maximum(np.quantile(np.abs(values), 0.9999, axis=0) / 127, 1e-12).astype(np.float32)
        fitted.decoder = _least_squares(fitted.encode(counts), scaled.toarray() - scaling.mean)
        return fitted

    def encode(self, counts: sp.csr_matrix) -> NDArray[np.float32]:
        values = self._values(counts)
        if self.steps is None:
            return to_float16(values)
        return np.clip(np.rint(values / self.steps), -127, 127).astype(np.float32)

    def bytes_per_user(self, codes: sp.csr_matrix | NDArray[np.float32]) -> float:
        return codes.shape[1] * self.bits / 8

    def fvu(self, counts: sp.csr_matrix) -> float:
        centred = self.scaling.apply(counts).toarray() - self.scaling.mean
        error = centred - _with_one(self.encode(counts)) @ self.decoder
        return float(np.square(error).sum() / np.square(centred).sum())

    def dead_fraction(self, codes: sp.csr_matrix | NDArray[np.float32]) -> None:  # noqa: ARG002
        return None

    def rebuilt(self, counts: sp.csr_matrix) -> NDArray[np.float64]:
        scaled = _with_one(self.encode(counts)) @ self.decoder + self.scaling.mean
        return np.asarray(scaled * self.scaling.scale)

    def dictionary(self) -> NDArray[np.float64]:
        return self.decoder[:-1]  # the last row is the intercept

    def _values(self, counts: sp.csr_matrix) -> NDArray[np.float32]:
        chunks = (counts[start : start + 8192] for start in range(0, counts.shape[0], 8192))
        needs_dense = isinstance(self.transformer, PCA)
        scaled = (self.scaling.apply(chunk) for chunk in chunks)
        parts = [self.transformer.transform(chunk.toarray() if needs_dense else chunk) for chunk in scaled]
        return np.vstack(parts).astype(np.float32)


class TopTokens:
    """The raw counts of some tokens: those that most users have, or those that vary most."""

    def __init__(self, n_tokens: int, by: str) -> None:
        self.n_tokens, self.by = n_tokens, by

    def fit(self, scaled: sp.csr_matrix) -> TopTokens:
        had = scaled.getnnz(axis=0)
        mean = np.asarray(scaled.mean(axis=0)).ravel()
        spread = np.asarray(scaled.power(2).mean(axis=0)).ravel() - mean**2
        self.tokens_ = np.argsort(-(had if self.by == "users" else spread), kind="stable")[: self.n_tokens]
        return self

    def transform(self, scaled: sp.csr_matrix) -> NDArray[np.float32]:
        return scaled[:, self.tokens_].toarray()


def raw(counts: sp.csr_matrix, budget: int, seed: int, *, by: str, floor: float) -> Projected:  # noqa: ARG001
    return Projected.fit(TopTokens(budget // 2, by), counts, bits=16, floor=floor)


def svd(counts: sp.csr_matrix, budget: int, seed: int, *, share: float, floor: float) -> Projected:
    model = TruncatedSVD(_width(counts, budget // 2, share), random_state=seed)
    return Projected.fit(model, counts, bits=16, floor=floor)


def pca_int8(counts: sp.csr_matrix, budget: int, seed: int, *, share: float, floor: float) -> Projected:
    pca = PCA(_width(counts, budget, share), svd_solver="covariance_eigh", random_state=seed)
    return Projected.fit(pca, counts, bits=8, floor=floor, dense=True)


def random_projection(counts: sp.csr_matrix, budget: int, seed: int, *, floor: float) -> Projected:
    model = GaussianRandomProjection(_width(counts, budget // 2), random_state=seed)
    return Projected.fit(model, counts, bits=16, floor=floor)


def nmf(counts: sp.csr_matrix, budget: int, seed: int, *, l1: float, share: float, floor: float) -> Projected:
    width = _width(counts, budget // 2, share)
    model = NMF(width, init="nndsvda", alpha_W=l1, l1_ratio=1.0, max_iter=NMF_EPOCHS, tol=1e-3, random_state=seed)
    return Projected.fit(model, counts, bits=16, floor=floor)


def _width(counts: sp.csr_matrix, most: int, share: float = 1.0) -> int:
    return max(1, min(int(most * share), counts.shape[1] - 1))


def _least_squares(codes: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float64]:
    inputs = _with_one(codes).astype(np.float64)
    gram = inputs.T @ inputs
    return np.linalg.solve(gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)), inputs.T @ rows)


def _with_one(codes: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.hstack([codes, np.ones((len(codes), 1), np.float32)])
