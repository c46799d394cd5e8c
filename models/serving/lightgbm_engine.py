"""LightGBM's C library without its Python package: a row in a few microseconds, the same bits as training."""

from __future__ import annotations

import ctypes
import weakref
from ctypes import POINTER, byref, c_char_p, c_double, c_int, c_int32, c_int64, c_void_p
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

import numpy as np

from .errors import EngineError, RowError
from .types import Floats

NORMAL, FLOAT64, ROW_MAJOR, ALL_TREES = 0, 1, 1, -1
ONE_THREAD = b"num_threads=1"

Handle = c_void_p


class LightGBMEngine:
    """A booster behind ``LGBM_BoosterPredictForMat`` and ``...SingleRowFast``, one thread.

    Parameters
    ----------
    model : bytes
        LightGBM's text format.

    Raises
    ------
    EngineError
        When LightGBM is not installed, or refuses the model.
    """

    def __init__(self, model: bytes) -> None:
        self._library = _library()
        self._booster = Handle()
        _check(self._library.LGBM_BoosterLoadModelFromString(model, byref(c_int()), byref(self._booster)))
        weakref.finalize(self, self._library.LGBM_BoosterFree, self._booster)
        n_columns = c_int()
        _check(self._library.LGBM_BoosterGetNumFeature(self._booster, byref(n_columns)))
        self.n_columns = n_columns.value
        self._prepare_single_row()

    def _prepare_single_row(self) -> None:
        self._fast = Handle()
        columns, parameters = c_int32(self.n_columns), c_char_p(ONE_THREAD)
        init = self._library.LGBM_BoosterPredictForMatSingleRowFastInit
        _check(init(self._booster, NORMAL, 0, ALL_TREES, FLOAT64, columns, parameters, byref(self._fast)))
        weakref.finalize(self, self._library.LGBM_FastConfigFree, self._fast)  # runs before that of the booster
        self._lock = Lock()
        self._row = np.empty(self.n_columns)
        self._result, self._length = c_double(), c_int64()
        self._arguments = (
            self._fast,
            c_void_p(self._row.ctypes.data),
            byref(self._length),
            byref(self._result),
        )

    def predict(self, rows: Floats) -> Floats:
        """Score encoded rows of shape (n_rows, n_columns); gives shape (n_rows,)."""
        if rows.ndim != 2 or rows.shape[1] != self.n_columns:
            raise RowError(f"expected {self.n_columns} encoded columns, got shape {rows.shape}")
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        result = np.empty(len(rows))
        if len(rows):
            code = self._library.LGBM_BoosterPredictForMat(
                self._booster,
                c_void_p(rows.ctypes.data),
                FLOAT64,
                c_int32(len(rows)),
                c_int32(self.n_columns),
                ROW_MAJOR,
                NORMAL,
                0,
                ALL_TREES,
                c_char_p(ONE_THREAD),
                byref(c_int64()),
                result.ctypes.data_as(POINTER(c_double)),
            )
            _check(code)
        return result

    def predict_one(self, row: Floats) -> float:
        """Score one encoded row of shape (n_columns,)."""
        if row.shape != (self.n_columns,):
            raise RowError(f"expected {self.n_columns} encoded columns, got shape {row.shape}")
        with self._lock:
            self._row[:] = row
            _check(self._library.LGBM_BoosterPredictForMatSingleRowFast(*self._arguments))
            return self._result.value


def _check(code: int) -> None:
    if code != 0:
        raise EngineError(f"LightGBM: {_library().LGBM_GetLastError().decode()}")


@cache
def _library() -> ctypes.CDLL:
    """Load LightGBM's shared library from where its package lies, without importing the package.

    Importing it would pull scikit-learn, pandas and a second or more.
    """
    spec = find_spec("lightgbm")
    if spec is None or spec.origin is None:
        raise EngineError("LightGBM is not installed (pip install lightgbm)")
    package = Path(spec.origin).parent
    found = [path for folder in ("lib", "bin", ".") for path in sorted((package / folder).glob("*lightgbm.*"))]
    shared = [path for path in found if path.suffix in {".so", ".dylib", ".dll"}]
    if not shared:
        raise EngineError(f"no shared library of LightGBM in {package}")
    library = ctypes.CDLL(str(shared[0]))
    library.LGBM_GetLastError.restype = c_char_p
    return library
