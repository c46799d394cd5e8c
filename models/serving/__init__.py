"""The light scorer of a bundle: from a raw feature row to a calibrated click probability.

It needs numpy and the engine of the bundle's serving format (LightGBM's shared library for compact trees and
LightGBM's text, ONNX Runtime for ONNX; none for logistic regression), and imports nothing else.
"""

from __future__ import annotations

from .errors import BundleError, EngineError, HashMismatchError, RowError
from .scorer import Scorer

__all__ = ["BundleError", "EngineError", "HashMismatchError", "RowError", "Scorer"]
