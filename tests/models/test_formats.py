"""Sizes of formats: of what can be read back, smaller where it says compressed."""

from __future__ import annotations

import io

import joblib
import pytest

from models.candidates import FittedCandidate
from models.formats import other_formats


@pytest.mark.parametrize(
    ("name", "own"), [("lightgbm", {"lightgbm_text", "onnx", "onnx_zstd"}), ("random_forest", {"onnx", "onnx_zstd"})]
)
def test_every_format_of_a_candidate_has_its_size(
    name: str, own: set[str], candidates: dict[str, FittedCandidate]
) -> None:
    model = candidates[name].model
    pickled = io.BytesIO()
    joblib.dump(model, pickled)
    found = other_formats(model)
    assert set(found) == {"joblib_zlib", "joblib_xz", *own}
    assert 0 < found["joblib_xz"] < found["joblib_zlib"] < len(pickled.getvalue())
    assert 0 < found["onnx_zstd"] < found["onnx"] == len(model.model.to_others()["onnx"])


def test_a_model_without_other_formats_has_its_pickles(candidates: dict[str, FittedCandidate]) -> None:
    assert set(other_formats(candidates["logistic"].model)) == {"joblib_zlib", "joblib_xz"}
