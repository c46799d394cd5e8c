"""Compact trees, run by what runs LightGBM's text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .compact_trees import TreeEnsemble, decode
from .lightgbm_engine import LightGBMEngine
from .lightgbm_text import to_lightgbm_text
from .single import last_that_rounds_to
from .types import Engine


def compact_engine(model: bytes, runs: Callable[[bytes], Engine] = LightGBMEngine) -> Engine:
    """Load an ensemble in the format of ``compact_trees``.

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
    return runs(to_lightgbm_text(compared_as_they_are(decode(model))).encode())


def compared_as_they_are(ensemble: TreeEnsemble) -> TreeEnsemble:
    """Move the thresholds of a forest, which compares in float32, to where float64 parts the same numbers."""
    if not ensemble.single:
        return ensemble
    trees = (replace(tree, threshold=last_that_rounds_to(tree.threshold)) for tree in ensemble.trees)
    return replace(ensemble, trees=tuple(trees), single=False)
