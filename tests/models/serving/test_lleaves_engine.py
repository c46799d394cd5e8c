"""Trees compiled by lleaves give LightGBM's probabilities: with categories, missing values, forests, whole bundles."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from models.batch import LabelledRows
from models.candidates import FittedCandidate
from models.probe import probe
from models.schema import FeatureSchema
from models.serving import Scorer
from models.serving.engines import load_engine
from models.serving.errors import EngineError, RowError

Rows = NDArray[np.float64]


@pytest.fixture
def _installed() -> None:
    pytest.importorskip("lleaves", reason="lleaves is not installed: an extra that needs an older llvmlite")


def rows_of(n: int, seed: int) -> Rows:
    """Two numbers of which one is often 0, and a category; some of all are missing."""
    rng = np.random.default_rng(seed)
    rows = np.column_stack([rng.normal(size=n), rng.poisson(1, n), rng.integers(0, 70, n)]).astype(np.float64)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


def text_of(**more: object) -> bytes:
    rows = rows_of(6000, 1)
    score = np.nan_to_num(rows[:, 0]) + np.isnan(rows[:, 1]) + (rows[:, 2] % 3 == 1)
    label = np.random.default_rng(2).random(len(rows)) < 1 / (1 + np.exp(1 - score))
    data = lightgbm.Dataset(rows, label.astype(int), categorical_feature=[2], params={"verbose": -1, **more})
    settings = {"objective": "binary", "min_data_in_leaf": 20, "verbose": -1, "num_threads": 1, **more}
    return str(lightgbm.train(settings, data, 50).model_to_string()).encode()


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"use_missing": False},
        {"zero_as_missing": True},
        {"min_data_in_leaf": 10_000},
        {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1, "objective": "regression"},
    ],
    ids=str,
)
def test_it_gives_the_probabilities_of_lightgbm(more: dict[str, object]) -> None:
    contents, rows = {"model.txt": text_of(**more)}, rows_of(25_000, 3)
    expected = load_engine("lightgbm_text", contents).predict(rows)
    engine = load_engine("lightgbm_text", contents, "lleaves")
    found = engine.predict(rows)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert [engine.predict_one(row) for row in rows[:50]] == found[:50].tolist()
    np.testing.assert_array_equal(engine.predict(np.asfortranarray(rows)[:99]), found[:99])
    assert engine.predict(rows[:0]).shape == (0,)
    with pytest.raises(RowError, match="expected 3 encoded columns"):
        engine.predict(rows[:, :2])


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("name", ["lightgbm", "random_forest"])
def test_a_bundle_is_served_by_it(
    name: str,
    holdout_table: pa.Table,
    parts: dict[str, LabelledRows],
    schema: FeatureSchema,
    candidates: dict[str, FittedCandidate],
    write: Callable[[FittedCandidate, str], Path],
) -> None:
    bundle, rows = write(candidates[name], name), probe(parts["holdout"].batch, schema)
    scorer = Scorer.load(bundle, engine="lleaves")
    np.testing.assert_allclose(scorer.score(rows), Scorer.load(bundle).score(rows), rtol=0, atol=1e-12)
    first = holdout_table.slice(0, 20)
    alone = [scorer.score_one(row) for row in first.to_pylist()]
    assert alone == pytest.approx([Scorer.load(bundle).score_one(row) for row in first.to_pylist()], abs=1e-12)


@pytest.mark.usefixtures("_installed")
def test_what_it_would_get_wrong_or_cannot_read_is_refused() -> None:
    with pytest.raises(EngineError, match="expected constant leaves, got a linear tree"):
        load_engine("lightgbm_text", {"model.txt": text_of(linear_tree=True)}, "lleaves")
    with pytest.raises(EngineError, match="lleaves: cannot compile the model"):
        load_engine("lightgbm_text", {"model.txt": b"no model"}, "lleaves")


def test_where_it_is_missing_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lleaves", None)
    with pytest.raises(EngineError, match="lleaves is not installed"):
        load_engine("lightgbm_text", {"model.txt": b""}, "lleaves")


def test_an_engine_runs_its_own_formats_alone() -> None:
    with pytest.raises(EngineError, match="engine of json: expected one of numpy, got 'lleaves'"):
        load_engine("json", {"model.json": b"{}"}, "lleaves")
