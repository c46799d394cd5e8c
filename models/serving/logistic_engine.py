"""Logistic regression in numpy."""

from __future__ import annotations

import json

import numpy as np

from .types import Floats

CHUNK_ROWS = 4096
"""Rows whose terms are held at once."""


class LogisticEngine:
    """sigmoid(intercept + sum of one term a column).

    A numeric column's term is weight * clip((sign(x) log(1 + |x|) - mean) / scale), or its missing weight
    where it is null; a categorical column's term is the weight of its integer code. Terms of a row are
    added in the same order whatever rows lie beside it, so a row has the same probability alone and in
    company.

    Parameters
    ----------
    model : bytes
        JSON with ``intercept``, ``clip``, ``numeric`` {``positions``, ``mean``, ``scale``, ``weight``,
        ``missing``} and ``categorical`` [{``position``, ``weights``}].
    """

    def __init__(self, model: bytes) -> None:
        value = json.loads(model)
        numeric, categorical = value["numeric"], value["categorical"]
        self._positions = np.asarray(numeric["positions"], dtype=np.intp)
        self._mean, self._scale, self._weight, self._missing = (
            np.asarray(numeric[key], dtype=np.float64) for key in ("mean", "scale", "weight", "missing")
        )
        weights = [entry["weights"] for entry in categorical]
        self._coded = np.asarray([entry["position"] for entry in categorical], dtype=np.intp)
        self._first_weight = np.cumsum([0, *map(len, weights)])[:-1]
        self._weight_of_code = np.asarray([weight for of_column in weights for weight in of_column], dtype=np.float64)
        self._intercept, self._clip = value["intercept"], value["clip"]

    def predict(self, rows: Floats) -> Floats:
        """Score encoded rows of shape (n_rows, n_columns); gives shape (n_rows,)."""
        chunks = [self._predict(rows[start : start + CHUNK_ROWS]) for start in range(0, len(rows), CHUNK_ROWS)]
        return np.concatenate(chunks) if chunks else np.empty(0)

    def predict_one(self, row: Floats) -> float:
        """Score one encoded row of shape (n_columns,)."""
        return float(self._predict(row))

    def _predict(self, rows: Floats) -> Floats:
        """Score rows whose columns are the last axis."""
        numbers = rows.take(self._positions, axis=-1)  # C order, so that sums do not depend on the rows beside
        terms = standardise(numbers, self._mean, self._scale, self._clip) * self._weight
        np.copyto(terms, self._missing, where=np.isnan(numbers))
        codes = rows.take(self._coded, axis=-1).astype(np.intp)
        of_codes = self._weight_of_code.take(codes + self._first_weight)
        score = np.concatenate([terms, of_codes], axis=-1).sum(axis=-1) + self._intercept
        return np.asarray(1 / (1 + np.exp(-score)))


def signed_log(numbers: Floats) -> Floats:
    """Give sign(x) log(1 + |x|): long tails become short, and 0 stays 0."""
    return np.copysign(np.log1p(np.abs(numbers)), numbers)


def standardise(numbers: Floats, mean: Floats, scale: Floats, clip: float) -> Floats:
    """Give (signed_log(x) - mean) / scale, cut at +-clip; NaN stays NaN."""
    return np.minimum(np.maximum((signed_log(numbers) - mean) / scale, -clip), clip)  # np.clip is slow on one row
