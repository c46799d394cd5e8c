"""Every format is read back and compared; one that says something else is not offered."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from models import format_check
from models.batch import ArrayBatch, LabelledRows
from models.bundle import serving_contents
from models.candidates import FittedCandidate
from models.format_check import check_formats
from models.formats import all_formats
from models.probe import MOST_DIFFERENCE, PROBE_ROWS, is_usable, probe
from models.schema import FeatureSchema
from models.serving.errors import EngineError


@pytest.fixture(scope="module")
def rows(parts: dict[str, LabelledRows], schema: FeatureSchema) -> ArrayBatch:
    return probe(parts["validation"].batch, schema)


def checked(candidate: FittedCandidate, rows: ArrayBatch) -> dict[str, Any]:
    return check_formats(candidate.model, serving_contents(candidate.model), rows)


@pytest.mark.parametrize(("name", "own"), [("lightgbm", "compact"), ("random_forest", "compact"), ("logistic", "json")])
def test_every_format_is_compared_on_rows_made_to_part_them(
    name: str, own: str, candidates: dict[str, FittedCandidate], rows: ArrayBatch
) -> None:
    assert len(rows["sends_7d"]) == PROBE_ROWS
    found = checked(candidates[name], rows)
    difference, sizes = found["conversion_difference"], found["other_formats"]
    contents = all_formats(candidates[name].model)
    assert set(difference) == {own, *contents}
    assert [difference[key] for key in ("joblib", "joblib_zlib", "joblib_xz", "skops")] == [0, 0, 0, 0]
    assert difference["onnx"] == difference["onnx_zstd"]
    assert difference[own] == found["conversion_max_difference"] == next(iter(found["engine_difference"].values()))
    assert set(sizes) == {key for key in contents if key != "joblib" and is_usable(difference[key])}
    assert all(sizes[key] == len(contents[key]) for key in sizes if key != "skops")
    json.dumps(found, allow_nan=False)


def test_a_format_that_says_something_else_is_not_offered(
    candidates: dict[str, FittedCandidate], rows: ArrayBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = format_check._read

    def spoiled(name: str, content: bytes, model: Any) -> Any:
        predict = read(name, content, model)
        off = {"onnx": 2 * MOST_DIFFERENCE, "joblib_xz": np.nan, "skops": MOST_DIFFERENCE / 2}
        return lambda batch: predict(batch) + off.get(name, 0)

    monkeypatch.setattr(format_check, "_read", spoiled)
    found = checked(candidates["logistic"], rows)
    assert set(found["other_formats"]) == {"joblib_zlib", "skops", "onnx_zstd"}
    assert found["conversion_difference"]["joblib_xz"] is None
    assert found["conversion_difference"]["onnx"] == pytest.approx(2 * MOST_DIFFERENCE, rel=0.1)


def test_an_engine_that_cannot_take_the_model_is_unusable(
    candidates: dict[str, FittedCandidate], rows: ArrayBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, engine: str | None = None) -> Any:
        if engine == "lleaves":
            raise EngineError("cannot compile the model")
        return load(*_, engine=engine)

    load = format_check.Scorer.from_contents
    monkeypatch.setattr(format_check, "installed", lambda _: True)
    monkeypatch.setattr(format_check.Scorer, "from_contents", refuse)
    found = checked(candidates["lightgbm"], rows)
    assert found["engine_difference"] == {"lightgbm": found["conversion_max_difference"], "lleaves": None}


def test_only_a_small_number_is_usable() -> None:
    assert [is_usable(one) for one in (0, MOST_DIFFERENCE, 1.01 * MOST_DIFFERENCE, None)] == [True, True, False, False]
