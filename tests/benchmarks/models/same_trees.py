"""The trees of a bundle alone: CPU time of predicting rows that were encoded before, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import lightgbm
import numpy as np

from jobs.batch_scoring import Served, scorer_of
from models.serving.compact_trees import decode
from models.serving.engines import MODEL_FILES
from models.serving.lightgbm_text import to_lightgbm_text
from models.serving.lleaves_engine import LleavesEngine
from models.serving.types import Floats
from tests.benchmarks.models.contenders import has_lleaves

ROUNDS = 3
LIGHTGBM, LLEAVES = "LightGBM, float32 matrix", "lleaves, float64 matrix"


def microseconds_a_row(served: Served, encoded: Floats) -> dict[str, float]:
    """Give the median CPU time a row, by who predicts; lleaves where it is installed."""
    text = to_lightgbm_text(decode(served.contents[MODEL_FILES["compact"]]))
    booster, single = lightgbm.Booster(model_str=text), encoded.astype(np.float32)
    ways: dict[str, Callable[[], object]] = {
        LIGHTGBM: lambda: booster.predict(single, num_threads=1),
        "the scorer's engine, float64 matrix": lambda: scorer_of(served).scorer.engine.predict(encoded),
    }
    if has_lleaves():
        compiled = LleavesEngine(text.encode())
        ways[LLEAVES] = lambda: compiled.predict(encoded)
    return {name: median(_seconds(way) for _ in range(ROUNDS)) / len(encoded) * 1e6 for name, way in ways.items()}


def _seconds(predict: Callable[[], object]) -> float:
    started = time.process_time()
    predict()
    return time.process_time() - started
