"""LightGBM's trees compiled by lleaves (LLVM): seconds to load, a fraction of LightGBM's time for a large batch."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .errors import EngineError, RowError
from .types import Floats

LINEAR = re.compile(rb"^is_linear=1", re.MULTILINE)
SIZES, CATEGORIES = b"\ntree_sizes=", b"\npandas_categorical:"
"""Lines that LightGBM's library can do without; lleaves asks for them, and needs neither to score arrays."""


class LleavesEngine:
    """A compiled booster, one thread; equal to LightGBM's but for the order in which trees are added up.

    Parameters
    ----------
    model : bytes
        LightGBM's text format, of one class.

    Raises
    ------
    EngineError
        When lleaves is not installed, or cannot compile the model.
    """

    def __init__(self, model: bytes) -> None:
        try:
            import lleaves
        except ImportError:
            raise EngineError("lleaves is not installed (pip install 'lleaves==1.3.*' 'llvmlite<0.45')") from None
        if LINEAR.search(model):
            raise EngineError("lleaves: expected constant leaves, got a linear tree")  # it would ignore the slopes
        with TemporaryDirectory() as folder:
            file = Path(folder) / "model.txt"
            file.write_bytes(_whole(model))
            try:
                self._model = lleaves.Model(str(file))
                self._model.compile()
            except Exception as error:  # assertions and LLVM's own errors among them
                raise EngineError(f"lleaves: cannot compile the model ({error!r})") from error
        self.n_columns: int = self._model.num_feature()

    def predict(self, rows: Floats) -> Floats:
        """Score encoded rows of shape (n_rows, n_columns); gives shape (n_rows,)."""
        if rows.ndim != 2 or rows.shape[1] != self.n_columns:
            raise RowError(f"expected {self.n_columns} encoded columns, got shape {rows.shape}")
        return np.asarray(self._model.predict(np.ascontiguousarray(rows, dtype=np.float64), n_jobs=1))

    def predict_one(self, row: Floats) -> float:
        """Score one encoded row of shape (n_columns,)."""
        return float(self.predict(row[np.newaxis])[0])


def _whole(model: bytes) -> bytes:
    if SIZES not in model:
        model = model.replace(b"\n\n", SIZES + b"0\n\n", 1)
    return model if CATEGORIES in model else model + CATEGORIES + b"null\n"
