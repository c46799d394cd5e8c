"""Logistic regression: the baseline."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray
from pydantic.dataclasses import dataclass as settings
from sklearn.linear_model import LogisticRegression

from models.family import CHECKED, NO_SENTINEL, AtLeastOne, EncodedParts, FittedModel, Positive
from models.serving.encoder import FIRST_KNOWN_CODE, RowEncoder
from models.serving.logistic_engine import signed_log, standardise
from models.serving.types import Floats

CLIP = 5.0


@settings(frozen=True, config=CHECKED)
class LogisticSettings:
    """Ridge regression on standardised signed logarithms, missing indicators and one-hot categories."""

    family: ClassVar[str] = "logistic"
    missing: ClassVar[float] = NO_SENTINEL

    inverse_penalty: Positive = 0.003
    """scikit-learn's C: larger is a weaker ridge penalty."""
    max_iterations: AtLeastOne = 300
    """Most iterations of L-BFGS."""

    def fit(self, parts: EncodedParts, *, seed: int, n_threads: int) -> FittedLogistic:  # noqa: ARG002
        """Fit a model; the optimum is unique, so neither seed nor threads matter."""
        design, matrix = LogisticDesign.learn(parts.rows, parts.encoder)
        estimator = LogisticRegression(C=self.inverse_penalty, max_iter=self.max_iterations)
        return FittedLogistic(design, estimator.fit(matrix, parts.label))

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
    def learn(cls, rows: Floats, encoder: RowEncoder) -> tuple[LogisticDesign, sp.csr_matrix]:
        """Learn means and scales of training rows; gives what `matrix` makes of these rows too, in float32."""
        coded = encoder.categorical_positions
        positions = np.setdiff1d(np.arange(rows.shape[1]), coded)
        numbers = signed_log(np.take(rows, positions, axis=1))  # in place from here on: these arrays are the largest
        absent = np.isnan(numbers)
        n = np.maximum((~absent).sum(axis=0), 1)
        numbers[absent] = 0
        mean = numbers.sum(axis=0) / n
        numbers -= mean
        numbers[absent] = 0
        scale = np.sqrt(np.einsum("ij,ij->j", numbers, numbers) / n)
        scale = np.where(scale > 0, scale, 1.0)
        numbers /= scale
        np.clip(numbers, -CLIP, CLIP, out=numbers)
        sizes = (FIRST_KNOWN_CODE + len(words) for words in encoder.vocabularies.values())
        design = cls(positions, mean, scale, dict(zip(coded, sizes, strict=True)))
        return design, design._side_by_side(numbers.astype(np.float32), absent, rows)

    def matrix(self, rows: Floats) -> sp.csr_matrix:
        """Give standardised numbers (0 where missing), missing indicators and one-hot codes side by side."""
        numbers = np.take(rows, self.positions, axis=1)
        absent = np.isnan(numbers)
        numbers = standardise(numbers, self.mean, self.scale, CLIP)
        numbers[absent] = 0
        return self._side_by_side(numbers, absent, rows)

    def _side_by_side(self, numbers: Floats, absent: NDArray[np.bool_], rows: Floats) -> sp.csr_matrix:
        sizes = self.categories.items()
        one_hot = [_one_hot(rows[:, position], size, numbers.dtype) for position, size in sizes]
        return sp.csr_matrix(
            sp.hstack([_full(numbers), sp.csr_matrix(absent, dtype=numbers.dtype), *one_hot], format="csr")
        )


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


def _one_hot(codes: Floats, size: int, dtype: DTypeLike) -> sp.csr_matrix:
    ones, rows = np.ones(len(codes), dtype=dtype), np.arange(len(codes))
    return sp.csr_matrix((ones, (rows, codes.astype(np.intp))), shape=(len(codes), size))


def _full(block: Floats) -> sp.csr_matrix:
    """Give a dense block as CSR, zeros and all; several times faster than looking for the zeros."""
    n, width = block.shape
    columns = np.tile(np.arange(width, dtype=np.int32), n)
    return sp.csr_matrix((block.ravel(), columns, np.arange(n + 1) * width), shape=block.shape)
