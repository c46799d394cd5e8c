"""Every format of a model, read back and held against the model itself on rows made to part them."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import joblib
import numpy as np
import pyarrow as pa

from models.batch import ArrayBatch
from models.click_model import ClickModel
from models.formats import all_formats
from models.probe import is_usable
from models.serving import Scorer
from models.serving.engines import ENGINES, MODEL_FILES, installed, load_engine
from models.serving.errors import EngineError
from models.serving.types import Floats

Predict: TypeAlias = Callable[[ArrayBatch], Floats]


def check_formats(model: ClickModel, serving: Mapping[str, bytes], rows: ArrayBatch) -> dict[str, Any]:
    """Compare what every format and every engine says of rows with what the model says.

    Parameters
    ----------
    model : ClickModel
        What was fitted.
    serving : mapping
        What `models.bundle.serving_contents` gave.
    rows : ArrayBatch
        What `models.probe.probe` gave.

    Returns
    -------
    dict
        ``conversion_difference``: the largest absolute difference in calibrated probability by format, null where it is
        no number; ``engine_difference``: the same by engine of the serving format, of those that are installed;
        ``conversion_max_difference``: that of the serving format by its default engine; ``other_formats``: bytes of the
        formats that are not in the bundle, without those that differ too much.
    """
    serving_format, expected = model.model.serving_format, model.predict(rows)
    contents = all_formats(model)
    found = {name: _difference(expected, _read(name, content, model), rows) for name, content in contents.items()}
    by_engine = {
        engine: _difference(expected, _serve(serving_format, serving, engine), rows)
        for engine in ENGINES[serving_format]
        if installed(engine)
    }
    served = by_engine[ENGINES[serving_format][0]]
    usable = {name: len(content) for name, content in contents.items() if is_usable(found[name])}
    usable.pop("joblib", None)  # it lies in the bundle
    return {
        "conversion_difference": {serving_format: served, **found},
        "engine_difference": by_engine,
        "conversion_max_difference": served,
        "other_formats": usable,
    }


def _difference(expected: Floats, predict: Predict, rows: ArrayBatch) -> float | None:
    furthest = float(np.max(np.abs(predict(rows) - expected)))
    return furthest if math.isfinite(furthest) else None


def _serve(serving_format: str, serving: Mapping[str, bytes], engine: str) -> Predict:
    """Give the prediction of an engine; none, where it does not take the model."""
    try:
        return Scorer.from_contents(serving_format, serving, engine=engine).score
    except EngineError:
        if engine == ENGINES[serving_format][0]:
            raise
        return lambda rows: np.full(len(next(iter(rows.values()))), np.nan)


def _read(name: str, content: bytes, model: ClickModel) -> Predict:
    """Read a format back as who takes it would; gives its prediction of raw rows."""
    if name.startswith("joblib"):
        predict: Predict = joblib.load(io.BytesIO(content)).predict
        return predict
    if name == "skops":
        from skops.io import get_untrusted_types, loads

        of_own: Predict = loads(content, trusted=get_untrusted_types(data=content)).predict
        return of_own
    if name == "onnx_zstd":
        name, content = "onnx", _unpacked(content)
    engine = load_engine(name, {MODEL_FILES[name]: content})
    return Scorer(model.encoder, engine, model.calibrator).score


def _unpacked(content: bytes) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
        return bytes(stream.read())
