"""Logistic regression: the baseline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray
from pydantic.dataclasses import dataclass as settings
from scipy.special import expit

from models.family import CHECKED, NO_SENTINEL, AtLeastOne, EncodedParts, FittedModel, Positive
from models.linear_columns import LinearColumns
from models.onnx_linear import linear_to_onnx
from models.ridge import fit_ridge
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
    """What scikit-learn calls C: larger is a weaker ridge penalty."""
    max_iterations: AtLeastOne = 300
    """Most iterations of L-BFGS."""

    def fit(self, parts: EncodedParts, *, seed: int, n_threads: int) -> FittedLogistic:  # noqa: ARG002
        """Fit a model; the optimum is unique, so neither seed nor threads matter."""
        design = LogisticDesign.learn(parts.rows, parts.encoder)
        weight, intercept = fit_ridge(
            design.columns(parts.rows, np.float32),
            parts.label,
            inverse_penalty=self.inverse_penalty,
            max_iterations=self.max_iterations,
        )
        return FittedLogistic(design, weight, intercept)

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
    def learn(cls, rows: Floats, encoder: RowEncoder) -> LogisticDesign:
        """Learn means and scales of training rows."""
        coded = encoder.categorical_positions
        positions = np.setdiff1d(np.arange(rows.shape[1]), coded)
        moments = np.array([_moments(signed_log(rows[:, position])) for position in positions]).reshape(-1, 2)
        sizes = (FIRST_KNOWN_CODE + len(words) for words in encoder.vocabularies.values())
        return cls(positions, moments[:, 0], moments[:, 1], dict(zip(coded, sizes, strict=True)))

    def columns(self, rows: Floats, dtype: DTypeLike = np.float64) -> LinearColumns:
        """Give standardised numbers (0 where missing), then missing indicators and one-hot codes."""
        numbers = np.empty((len(self.positions), len(rows)), dtype)
        marked = []
        for at, position in enumerate(self.positions):
            column = standardise(rows[:, position], self.mean[at], self.scale[at], CLIP)
            absent = np.isnan(column)
            numbers[at] = np.where(absent, 0, column)
            marked.append(np.flatnonzero(absent))
        for position, size in self.categories.items():
            marked += _rows_of_codes(rows[:, position], size)
        return LinearColumns(numbers.T, _marks(marked, len(rows), dtype))


@dataclass(frozen=True)
class FittedLogistic:
    """Weights behind their design."""

    design: LogisticDesign
    weight: Floats
    """Shape (n_columns,): one for each column that the design gives."""
    intercept: float
    serving_format: ClassVar[str] = "json"

    def predict(self, rows: Floats) -> Floats:
        """Give click probabilities of encoded rows."""
        return np.asarray(expit(self.design.columns(rows).times(self.weight) + self.intercept))

    def columns_read(self) -> list[int]:
        """Give the positions of the encoded columns that have a weight, ascending."""
        weight, missing, *categorical = self._weights()
        numbers = self.design.positions[(weight != 0) | (missing != 0)].tolist()
        coded = [at for at, weights in zip(self.design.categories, categorical, strict=True) if weights.any()]
        return sorted([*numbers, *coded])

    def to_serving(self, columns: Sequence[int] | None = None) -> bytes:
        """Give what ``models.serving.logistic_engine`` reads, of these columns; by default all of them."""
        return json.dumps(self._terms(columns), separators=(",", ":")).encode()

    def _terms(self, columns: Sequence[int] | None = None) -> dict[str, Any]:
        weight, missing, *categorical = self._weights()
        design = self.design
        held = list(range(len(design.positions) + len(design.categories))) if columns is None else list(columns)
        here = np.isin(design.positions, held)
        numeric = {
            "positions": np.searchsorted(held, design.positions[here]),
            "mean": design.mean[here],
            "scale": design.scale[here],
            "weight": weight[here],
            "missing": missing[here],
        }
        return {
            "intercept": self.intercept,
            "clip": CLIP,
            "numeric": {name: array.tolist() for name, array in numeric.items()},
            "categorical": [
                {"position": held.index(position), "weights": weights.tolist()}
                for position, weights in zip(design.categories, categorical, strict=True)
                if position in held
            ],
        }

    def _weights(self) -> list[Floats]:
        """Give the weights of numbers, of missing numbers, and of each category's codes."""
        sizes = [len(self.design.positions)] * 2 + list(self.design.categories.values())
        return np.split(self.weight, np.cumsum(sizes)[:-1])

    def to_others(self) -> dict[str, bytes]:
        """Give ONNX."""
        return {"onnx": linear_to_onnx(self._terms())}


def _moments(column: Floats) -> tuple[float, float]:
    """Give mean and standard deviation of the values that are there; 1 for that of a constant."""
    known = column[~np.isnan(column)]
    if not len(known):
        return 0.0, 1.0
    if known.min() == known.max():  # rounding may give such a column a mean beside it, and a deviation of 1e-16
        return float(known[0]), 1.0
    return float(known.mean()), float(known.std()) or 1.0


def _rows_of_codes(codes: Floats, size: int) -> list[NDArray[np.intp]]:
    """Give the rows of each code."""
    ascending = np.argsort(codes, kind="stable")
    return np.split(ascending, np.searchsorted(codes[ascending], np.arange(1, size)))


def _marks(rows: Sequence[NDArray[np.intp]], n: int, dtype: DTypeLike) -> sp.csr_matrix:
    """Give a column for each set of rows, with 1 in them."""
    ends = np.cumsum([0, *(len(some) for some in rows)])
    ones = np.ones(ends[-1], dtype)
    return sp.csc_matrix((ones, np.concatenate(rows), ends), shape=(n, len(rows))).tocsr()
