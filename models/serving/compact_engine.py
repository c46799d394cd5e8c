"""Compact trees, run by what runs LightGBM's text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .compact_trees import decode
from .lightgbm_engine import LightGBMEngine
from .lightgbm_text import to_lightgbm_text
from .single import to_single
from .types import Engine, Floats


class CompactEngine:
    """An ensemble in the format of ``compact_trees``; forests compare in float32, as scikit-learn does.

    Parameters
    ----------
    model : bytes
        The file's content.
    runs : callable
        Makes an engine of LightGBM's text.

    Raises
    ------
    EngineError
        When the content is damaged, or what runs it is not installed.
    """

    def __init__(self, model: bytes, runs: Callable[[bytes], Engine] = LightGBMEngine) -> None:
        ensemble = decode(model)
        self._single = ensemble.single
        self._booster = runs(to_lightgbm_text(ensemble).encode())

    def predict(self, rows: Floats) -> Floats:
        """Score encoded rows of shape (n_rows, n_columns); gives shape (n_rows,)."""
        return self._booster.predict(self._compared(rows))

    def predict_one(self, row: Floats) -> float:
        """Score one encoded row of shape (n_columns,)."""
        return self._booster.predict_one(self._compared(row))

    def _compared(self, rows: Floats) -> Floats:
        return to_single(rows).astype(np.float64) if self._single else rows
