"""Logistic regression: the baseline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.family import NO_SENTINEL, EncodedParts, FittedModel
from models.serving.encoder import FIRST_KNOWN_CODE, RowEncoder
from models.serving.logistic_engine import signed_log, standardise
from models.serving.types import Floats

CLIP = 5.0


@dataclass(frozen=True)
class LogisticSettings:
    """Ridge regression on standardised signed logarithms, missing indicators and one-hot categories."""

    family: ClassVar[str] = "logistic"
    missing: ClassVar[float] = NO_SENTINEL

    inverse_penalty: float = 0.1
    """scikit-learn's C: larger is a weaker ridge penalty."""
    max_iterations: int = 300
    """Most iterations of L-BFGS."""

    def fit(self, parts: EncodedParts, *, seed: int, n_threads: int) -> FittedLogistic:  # noqa: ARG002
        """Fit a model; the optimum is unique, so neither seed nor threads matter."""
        design = LogisticDesign.of(parts.rows, parts.encoder)
        estimator = LogisticRegression(C=self.inverse_penalty, max_iter=self.max_iterations)
        return FittedLogistic(design, estimator.fit(design.matrix(parts.rows), parts.label))

    def settled(self, model: FittedModel) -> LogisticSettings:  # noqa: ARG002
        """Give the same settings: validation decides nothing here."""
        return self


@dataclass(frozen=True)
class LogisticDesign:
    """From encoded rows to the columns of a linear model."""

    positions: NDArray[np.intp]
    """Encoded columns that are numbers (latents among them), shape (n_numbers,)."""
    mean: Floats
    """Mean of each number's signed logarithm over the training rows that have it."""
    scale: Floats
    """Its standard deviation; 1 for a constant."""
    categories: dict[int, int]
    """Encoded column of integer codes -> number of codes."""

    @classmethod
    def of(cls, rows: Floats, encoder: RowEncoder) -> LogisticDesign:
        """Learn means and scales of training rows."""
        coded = encoder.categorical_positions
        positions = np.setdiff1d(np.arange(rows.shape[1]), coded)
        numbers = signed_log(rows[:, positions])
        held = ~np.isnan(numbers)
        n = np.maximum(held.sum(axis=0), 1)
        mean = np.where(held, numbers, 0.0).sum(axis=0) / n
        scale = np.sqrt(np.square(np.where(held, numbers - mean, 0.0)).sum(axis=0) / n)
        sizes = (FIRST_KNOWN_CODE + len(words) for words in encoder.vocabularies.values())
        return cls(positions, mean, np.where(scale > 0, scale, 1.0), dict(zip(coded, sizes, strict=True)))

    def matrix(self, rows: Floats) -> sp.csr_matrix:
        """Give standardised numbers (0 where missing), missing indicators and one-hot codes side by side."""
        numbers = rows[:, self.positions]
        absent = np.isnan(numbers)
        standardised = np.where(absent, 0.0, standardise(numbers, self.mean, self.scale, CLIP))
        one_hot = [_one_hot(rows[:, position], size) for position, size in self.categories.items()]
        return sp.csr_matrix(sp.hstack([_full(standardised), sp.csr_matrix(absent, dtype=np.float64), *one_hot]))


@dataclass(frozen=True)
class FittedLogistic:
    """A fitted scikit-learn estimator behind its design."""

    design: LogisticDesign
    estimator: LogisticRegression
    serving_format: ClassVar[str] = "json"

    def predict(self, rows: Floats) -> Floats:
        """Give click probabilities of encoded rows."""
        return np.asarray(self.estimator.predict_proba(self.design.matrix(rows))[:, 1])

    def to_serving(self) -> bytes:
        """Give what ``models.serving.logistic_engine`` reads."""
        sizes = [len(self.design.positions)] * 2 + list(self.design.categories.values())
        weight, missing, *categorical = np.split(self.estimator.coef_[0], np.cumsum(sizes)[:-1])
        numeric = {
            "positions": self.design.positions,
            "mean": self.design.mean,
            "scale": self.design.scale,
            "weight": weight,
            "missing": missing,
        }
        value: dict[str, Any] = {
            "intercept": float(self.estimator.intercept_[0]),
            "clip": CLIP,
            "numeric": {name: array.tolist() for name, array in numeric.items()},
            "categorical": [
                {"position": position, "weights": weights.tolist()}
                for position, weights in zip(self.design.categories, categorical, strict=True)
            ],
        }
        return json.dumps(value, separators=(",", ":")).encode()

    def to_others(self) -> dict[str, bytes]:
        """Give nothing: JSON is what there is."""
        return {}


def _one_hot(codes: Floats, size: int) -> sp.csr_matrix:
    ones, rows = np.ones(len(codes)), np.arange(len(codes))
    return sp.csr_matrix((ones, (rows, codes.astype(np.intp))), shape=(len(codes), size))


def _full(block: Floats) -> sp.csr_matrix:
    """Give a dense block as CSR, zeros and all; several times faster than looking for the zeros."""
    n, width = block.shape
    columns, starts = np.tile(np.arange(width), n), np.arange(n + 1) * width
    return sp.csr_matrix((block.ravel(), columns, starts), shape=block.shape)
