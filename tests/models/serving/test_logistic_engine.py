"""The logistic engine gives what its formula says, and a row the same bits alone and in company."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from models.serving.logistic_engine import CHUNK_ROWS, LogisticEngine, standardise
from models.serving.types import Floats

SIZES = {3: 5, 4: 2, 7: 9}


def model_of(coded: dict[int, int], n_columns: int) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    positions = [at for at in range(n_columns) if at not in coded]
    n = len(positions)
    return {
        "intercept": -2.5,
        "clip": 5.0,
        "numeric": {
            "positions": positions,
            "mean": rng.normal(2, 1, n).tolist(),
            "scale": rng.lognormal(0, 1, n).tolist(),
            "weight": rng.normal(0, 0.3, n).tolist(),
            "missing": rng.normal(0, 0.3, n).tolist(),
        },
        "categorical": [{"position": at, "weights": rng.normal(0, 0.3, size).tolist()} for at, size in coded.items()],
    }


def rows_of(n: int, coded: dict[int, int], n_columns: int) -> Floats:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(n, n_columns)) * rng.lognormal(2, 3, (n, n_columns))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[rng.random(rows.shape) < 0.1] = 0
    rows[rng.random(rows.shape) < 0.02] = -1e300
    for position, size in coded.items():
        rows[:, position] = rng.integers(0, size, n)
    return rows


def by_the_formula(model: dict[str, Any], rows: Floats) -> Floats:
    numeric = model["numeric"]
    mean, scale, weight, missing = (np.array(numeric[key]) for key in ("mean", "scale", "weight", "missing"))
    numbers = rows[:, numeric["positions"]]
    terms = standardise(numbers, mean, scale, model["clip"]) * weight
    score = model["intercept"] + np.where(np.isnan(numbers), missing, terms).sum(axis=1)
    for entry in model["categorical"]:
        score += np.array(entry["weights"])[rows[:, entry["position"]].astype(int)]
    return np.asarray(expit(score))


@pytest.mark.parametrize("coded", [SIZES, {3: 5, 4: 2, 5: 9}, {}], ids=["apart", "neighbours", "none"])
def test_it_gives_what_the_formula_says(coded: dict[int, int]) -> None:
    model, rows = model_of(coded, 90), rows_of(CHUNK_ROWS + 50, coded, 90)
    engine = LogisticEngine(json.dumps(model).encode())
    found = engine.predict(rows)
    np.testing.assert_allclose(found, by_the_formula(model, rows), rtol=0, atol=1e-13)
    assert [engine.predict_one(row) for row in rows[-300:]] == found[-300:].tolist()
    np.testing.assert_array_equal(engine.predict(rows[17:18]), found[17:18])
    assert engine.predict(rows[:0]).shape == (0,)


def test_columns_without_a_term_do_not_matter() -> None:
    model, rows = model_of(SIZES, 20), rows_of(50, SIZES, 30)
    for name, values in model["numeric"].items():
        model["numeric"][name] = values[3:]  # the first three columns
    rows[0, :] = np.inf
    rows[0, list(SIZES)] = 1
    engine = LogisticEngine(json.dumps(model).encode())
    found = engine.predict(rows)
    other = rows.copy()
    other[:, [0, 1, 2, *range(20, 30)]] = np.nan
    assert engine.predict(other).tolist() == found.tolist()
    assert np.isfinite(found).all()


def test_a_score_far_from_0_is_0_or_1() -> None:
    model = model_of({}, 2)
    for intercept, p in ((-2000, 0), (2000, 1)):
        engine = LogisticEngine(json.dumps({**model, "intercept": intercept}).encode())
        assert engine.predict_one(np.zeros(2)) == engine.predict(np.zeros((1, 2)))[0] == p
