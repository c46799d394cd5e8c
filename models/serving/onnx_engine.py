"""ONNX Runtime on one thread, for tree ensembles over float32 columns."""

from __future__ import annotations

import numpy as np

from .errors import EngineError
from .single import to_single
from .types import Floats

INPUT, OUTPUT = "columns", "probabilities"
ERRORS_ONLY = 3


class OnnxEngine:
    """An ONNX classifier with input ``columns`` (n, n_columns) and output ``probabilities`` (n, 2).

    Parameters
    ----------
    model : bytes
        An ONNX file. Its numbers are float32.

    Raises
    ------
    EngineError
        When ONNX Runtime is not installed, or refuses the model.
    """

    def __init__(self, model: bytes) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise EngineError("ONNX Runtime is not installed (pip install onnxruntime)") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own errors share no base class
            raise EngineError(f"ONNX Runtime: {error}") from error

    def predict(self, rows: Floats) -> Floats:
        """Score encoded rows of shape (n_rows, n_columns); gives shape (n_rows,)."""
        probabilities = self._session.run([OUTPUT], {INPUT: to_single(rows)})[0]
        return np.asarray(probabilities[:, 1], dtype=np.float64)

    def predict_one(self, row: Floats) -> float:
        """Score one encoded row of shape (n_columns,)."""
        return float(self._session.run([OUTPUT], {INPUT: to_single(row[np.newaxis])})[0][0, 1])
