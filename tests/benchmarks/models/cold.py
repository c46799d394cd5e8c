"""A cold start of a rival: ``python -m tests.benchmarks.models.cold KIND FILE ROW``; ROW is an encoded row as JSON."""

from __future__ import annotations

import sys
from time import perf_counter

from models.cold_start import peak_rss_bytes


def main(kind: str, file: str, row: str) -> dict[str, object]:
    """Give ``cold_first_score_ms`` and ``peak_rss_bytes``, as ``models.cold_start`` does for a bundle."""
    started = perf_counter()
    import json

    import numpy as np

    rows = np.array([json.loads(row)], dtype=np.float64)
    if kind == "joblib":
        import joblib

        joblib.load(file).predict_proba(rows)
    elif kind == "fitted":
        import joblib

        joblib.load(file).predict(rows)
    elif kind == "booster":
        import lightgbm

        lightgbm.Booster(model_file=file).predict(rows, num_threads=1)
    else:
        with open(file, "rb") as content:
            _engine(kind, content.read()).predict_one(rows[0])
    return {"cold_first_score_ms": (perf_counter() - started) * 1000, "peak_rss_bytes": peak_rss_bytes()}


def _engine(kind: str, model: bytes) -> object:
    if kind == "onnx":
        from models.serving.onnx_engine import OnnxEngine

        return OnnxEngine(model)
    if kind == "lleaves":
        from models.serving.lleaves_engine import LleavesEngine

        return LleavesEngine(model)
    from models.serving.lightgbm_engine import LightGBMEngine

    return LightGBMEngine(model)


if __name__ == "__main__":
    found = main(*sys.argv[1:])
    import json

    print(json.dumps(found))
