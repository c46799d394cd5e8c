"""Engines by serving format; each is imported only when a bundle asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec

from .errors import BundleError, EngineError
from .types import Engine

MODEL_FILES = {"compact": "model.trees", "lightgbm_text": "model.txt", "onnx": "model.onnx", "json": "model.json"}
"""Serving format -> file of the model in a bundle."""

ENGINES = {
    "compact": ("lightgbm", "lleaves"),
    "lightgbm_text": ("lightgbm", "lleaves"),
    "onnx": ("onnxruntime",),
    "json": ("numpy",),
}
"""Serving format -> engines that run it, the default first."""


PACKAGES = {"lightgbm": "lightgbm", "lleaves": "lleaves", "onnxruntime": "onnxruntime", "numpy": "numpy"}
"""Engine -> package that it needs."""


def installed(engine: str) -> bool:
    """Say whether an engine's package is there, without importing it."""
    spec = find_spec(PACKAGES[engine]) if engine in PACKAGES else None
    return spec is not None and spec.origin is not None  # a mere folder of that name has none


def load_engine(serving_format: str, contents: Mapping[str, bytes], engine: str | None = None) -> Engine:
    """Load the model among the contents of a bundle's files, for an engine of `ENGINES` or the format's default.

    Raises
    ------
    BundleError
        When the format is not known.
    EngineError
        When the engine does not run the format, is not installed, or refuses the model.
    """
    if serving_format not in MODEL_FILES:
        raise BundleError(f"serving format: expected one of {', '.join(MODEL_FILES)}, got {serving_format!r}")
    engines = ENGINES[serving_format]
    if engine is not None and engine not in engines:
        raise EngineError(f"engine of {serving_format}: expected one of {', '.join(engines)}, got {engine!r}")
    model = contents[MODEL_FILES[serving_format]]
    if serving_format == "compact":
        from .compact_engine import compact_engine

        return compact_engine(model, _runs_text(engine))
    if serving_format == "lightgbm_text":
        return _runs_text(engine)(model)
    if serving_format == "onnx":
        from .onnx_engine import OnnxEngine

        return OnnxEngine(model)
    from .logistic_engine import LogisticEngine

    return LogisticEngine(model)


def _runs_text(engine: str | None) -> Callable[[bytes], Engine]:
    if engine == "lleaves":
        from .lleaves_engine import LleavesEngine

        return LleavesEngine
    from .lightgbm_engine import LightGBMEngine

    return LightGBMEngine
