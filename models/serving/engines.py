"""Engines by serving format; each is imported only when a bundle asks for it."""

from __future__ import annotations

from .errors import BundleError
from .types import Engine

MODEL_FILES = {"lightgbm_text": "model.txt", "onnx": "model.onnx", "json": "model.json"}
"""Serving format -> file of the model in a bundle."""


def load_engine(serving_format: str, model: bytes) -> Engine:
    """Load a model in its serving format.

    Raises
    ------
    BundleError
        When the format is not known.
    EngineError
        When the engine is not installed, or refuses the model.
    """
    if serving_format == "lightgbm_text":
        from .lightgbm_engine import LightGBMEngine

        return LightGBMEngine(model)
    if serving_format == "onnx":
        from .onnx_engine import OnnxEngine

        return OnnxEngine(model)
    if serving_format == "json":
        from .logistic_engine import LogisticEngine

        return LogisticEngine(model)
    raise BundleError(f"serving format: expected one of {', '.join(MODEL_FILES)}, got {serving_format!r}")
