"""Engines by serving format; each is imported only when a bundle asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import BundleError
from .types import Engine

MODEL_FILES = {"compact": "model.trees", "lightgbm_text": "model.txt", "onnx": "model.onnx", "json": "model.json"}
"""Serving format -> file of the model in a bundle."""


def load_engine(serving_format: str, contents: Mapping[str, bytes]) -> Engine:
    """Load the model among the contents of a bundle's files.

    Raises
    ------
    BundleError
        When the format is not known.
    EngineError
        When the engine is not installed, or refuses the model.
    """
    if serving_format not in MODEL_FILES:
        raise BundleError(f"serving format: expected one of {', '.join(MODEL_FILES)}, got {serving_format!r}")
    model = contents[MODEL_FILES[serving_format]]
    if serving_format == "compact":
        from .compact_engine import CompactEngine

        return CompactEngine(model)
    if serving_format == "lightgbm_text":
        from .lightgbm_engine import LightGBMEngine

        return LightGBMEngine(model)
    if serving_format == "onnx":
        from .onnx_engine import OnnxEngine

        return OnnxEngine(model)
    from .logistic_engine import LogisticEngine

    return LogisticEngine(model)
