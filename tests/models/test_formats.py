"""Formats of a model: they can be read back, and are smaller where they say compressed."""

from __future__ import annotations

import io
import pickle
from zipfile import ZipFile

import numpy as np
import pytest
import skops.io

from models.batch import LabelledRows
from models.candidates import FittedCandidate
from models.formats import all_formats, to_skops

TRUSTED = ["models.click_model.ClickModel", "models.serving.encoder.RowEncoder"]


@pytest.mark.parametrize(
    ("name", "own"), [("lightgbm", {"lightgbm_text"}), ("random_forest", set()), ("logistic", set())]
)
def test_every_format_of_a_candidate(name: str, own: set[str], candidates: dict[str, FittedCandidate]) -> None:
    found = {key: len(content) for key, content in all_formats(candidates[name].model).items()}
    assert set(found) == {"joblib", "joblib_zlib", "joblib_xz", "skops", "onnx", "onnx_zstd", *own}
    assert 0 < max(found["joblib_xz"], found["joblib_zlib"]) < found["joblib"]
    assert name == "logistic" or found["joblib_xz"] < found["joblib_zlib"]  # of a kilobyte, either may be smaller
    assert 0 < found["onnx_zstd"] < found["onnx"]


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("lightgbm", ["models.boosted_trees.FittedBooster"]),
        ("random_forest", ["models.random_forest.FittedForest", "sklearn.tree._tree.Tree"]),
        ("logistic", ["models.logistic.FittedLogistic", "models.logistic.LogisticDesign"]),
    ],
)
def test_skops_gives_the_model_back(
    name: str, own: list[str], candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows]
) -> None:
    model, batch = candidates[name].model, parts["holdout"].batch
    expected = model.predict(batch)
    content = to_skops(model)
    trusted = [*TRUSTED, *own, f"models.serving.calibrators.{type(model.calibrator).__name__}"]
    assert skops.io.get_untrusted_types(data=content) == sorted(trusted)
    np.testing.assert_array_equal(skops.io.loads(content, trusted=trusted).predict(batch), expected)


def test_equal_models_have_skops_files_of_equal_size(candidates: dict[str, FittedCandidate]) -> None:
    model = candidates["random_forest"].model
    copies = [pickle.loads(pickle.dumps(model)) for _ in range(2)]
    first, second = ({f.filename: f.file_size for f in ZipFile(io.BytesIO(to_skops(m))).infolist()} for m in copies)
    assert first == second
