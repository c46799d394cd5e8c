"""Logistic regression in numpy."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .calibrators import sigmoid
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
        coded = [entry["position"] for entry in categorical]
        self._width = max([*numeric["positions"], *coded], default=-1) + 1
        mean, scale, weight, self._missing = (
            self._wide(numeric, key) for key in ("mean", "scale", "weight", "missing")
        )
        self._mean, self._furthest = mean, value["clip"] * scale
        self._nearest = -self._furthest
        self._slope = np.divide(weight, scale, out=np.zeros(self._width), where=scale != 0)
        self._coded = _as_slice(coded)
        self._first_weight = np.cumsum([0, *(len(entry["weights"]) for entry in categorical)])[:-1]
        weights = [weight for entry in categorical for weight in entry["weights"]]
        self._weight_of_code = np.asarray(weights, dtype=np.float64)
        self._intercept = value["intercept"]

    def predict(self, rows: Floats) -> Floats:
        """Score encoded rows of shape (n_rows, n_columns); gives shape (n_rows,)."""
        chunks = (self._scores(rows[start : start + CHUNK_ROWS]) for start in range(0, len(rows), CHUNK_ROWS))
        return np.fromiter((sigmoid(score) for chunk in chunks for score in chunk.tolist()), np.float64, len(rows))

    def predict_one(self, row: Floats) -> float:
        """Score one encoded row of shape (n_columns,)."""
        return sigmoid(float(self._scores(row)))

    def _wide(self, numeric: dict[str, Any], key: str) -> Floats:
        """Give a number for each column: 0 where it is not numeric, so that its term is 0 until its code is known."""
        wide = np.zeros(self._width)
        wide[numeric["positions"]] = numeric[key]
        return wide

    def _scores(self, rows: Floats) -> Floats:
        """Score rows whose columns are the last axis, before the sigmoid; steps are few, each costs a row its start."""
        if rows.shape[-1] != self._width:
            rows = rows[..., : self._width]
        terms = np.abs(rows)
        np.log1p(terms, out=terms)
        np.copysign(terms, rows, out=terms)
        terms -= self._mean
        np.maximum(terms, self._nearest, out=terms)
        np.minimum(terms, self._furthest, out=terms)
        terms *= self._slope
        np.copyto(terms, self._missing, where=np.isnan(rows))
        codes = rows[..., self._coded].astype(np.intp)
        codes += self._first_weight
        terms[..., self._coded] = self._weight_of_code.take(codes)
        return np.asarray(np.add.reduce(terms, axis=-1) + self._intercept)


def _as_slice(positions: list[int]) -> slice | list[int]:
    """Give neighbours as a slice, which is faster."""
    first = positions[0] if positions else 0
    together = slice(first, first + len(positions))
    return together if positions == list(range(together.start, together.stop)) else positions


def signed_log(numbers: Floats) -> Floats:
    """Give sign(x) log(1 + |x|): long tails become short, and 0 stays 0."""
    return np.copysign(np.log1p(np.abs(numbers)), numbers)


def standardise(numbers: Floats, mean: Floats, scale: Floats, clip: float) -> Floats:
    """Give (signed_log(x) - mean) / scale, cut at +-clip; NaN stays NaN."""
    return np.minimum(np.maximum((signed_log(numbers) - mean) / scale, -clip), clip)  # np.clip is slow on one row
