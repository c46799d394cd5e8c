"""Compact trees: exact splits, leaves of 16 bits, small files, an independent reader that agrees."""

from __future__ import annotations

import json
import lzma
import zlib
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from models.boosted_trees import FittedBooster
from models.onnx_trees import to_onnx
from models.random_forest import FittedForest
from models.serving.compact_trees import FILTERS, MAGIC, TreeEnsemble, decode
from models.serving.engines import load_engine
from models.serving.errors import EngineError
from models.serving.lightgbm_engine import LightGBMEngine
from models.serving.lightgbm_text import to_lightgbm_text
from models.tree_ensembles import from_forest, from_lightgbm, leaf_grid, to_compact, to_steps
from tests.models.compact_reader import SlowTrees

Rows = NDArray[np.float64]
LEAF_ERROR = 1e-5


def rows_of(n: int, seed: int, *, missing: bool) -> Rows:
    """Counts, shares, a long tail with zeros, and two categories; some cells missing or huge."""
    rng = np.random.default_rng(seed)
    rows = np.column_stack(
        [
            rng.poisson(3, n),
            rng.random(n),
            np.where(rng.random(n) < 0.3, 0, rng.lognormal(0, 4, n)),
            rng.integers(0, 80, n),
            rng.integers(0, 5, n),
        ]
    ).astype(np.float64)
    rows[rng.random(n) < 0.02, 2] = 1e300
    if missing:
        rows[rng.random(n) < 0.1, 1] = np.nan
    return rows


def labels_of(rows: Rows) -> NDArray[np.int64]:
    score = 0.3 * rows[:, 0] + 2 * np.nan_to_num(rows[:, 1]) + (rows[:, 3] % 3 == 1) - 0.5 * rows[:, 4]
    return (np.random.default_rng(5).random(len(rows)) < 1 / (1 + np.exp(2 - score))).astype(np.int64)


def booster(trees: int = 60, **more: object) -> FittedBooster:
    rows = rows_of(6000, 1, missing=True)
    data = lightgbm.Dataset(rows, labels_of(rows), categorical_feature=[3, 4], params={"verbose": -1})
    settings = {"objective": "binary", "num_leaves": 15, "min_data_in_leaf": 20, "verbose": -1, "num_threads": 1}
    return FittedBooster(lightgbm.train({**settings, **more}, data, trees).model_to_string())


def forest() -> FittedForest:
    rows = rows_of(6000, 1, missing=False).clip(-1e30, 1e30).astype(np.float32)
    return FittedForest(RandomForestClassifier(20, max_leaf_nodes=31, random_state=0).fit(rows, labels_of(rows)))


def exact(ensemble: TreeEnsemble, rows: Rows) -> Rows:
    return LightGBMEngine(to_lightgbm_text(ensemble).encode()).predict(rows)


def test_splits_of_a_booster_are_kept_to_the_last_bit() -> None:
    model, rows = booster(), rows_of(25_000, 2, missing=True)
    np.testing.assert_array_equal(exact(from_lightgbm(model.text), rows), model.predict(rows))


def test_splits_of_a_forest_are_kept() -> None:
    model, rows = forest(), rows_of(25_000, 2, missing=False)
    single = rows.clip(-1e30, 1e30).astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(exact(from_forest(model.forest), single), model.predict(rows), rtol=0, atol=1e-15)


@pytest.mark.parametrize("missing", ["", "zero_as_missing"])
def test_the_file_differs_by_the_rounding_of_leaves_alone(missing: str) -> None:
    model, rows = booster(**{missing: True} if missing else {}), rows_of(25_000, 2, missing=True)
    ensemble = from_lightgbm(model.text)
    back = decode(to_compact(ensemble))
    for before, after in zip(ensemble.trees, back.trees, strict=True):
        for name in ("column", "decision", "threshold", "left", "right"):
            np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
        assert after.members == before.members
        assert np.abs(after.leaf - before.leaf).max() <= np.ptp(before.leaf) / 2**16
    assert np.abs(exact(back, rows) - model.predict(rows)).max() < LEAF_ERROR


def test_leaves_close_to_each_other_far_from_zero_keep_their_order() -> None:
    model, rows = booster(5, learning_rate=0.02, lambda_l2=3e6), rows_of(20_000, 2, missing=True)
    ensemble = from_lightgbm(model.text)
    assert min(np.ptp(tree.leaf) for tree in ensemble.trees) < 1e-5 < abs(ensemble.trees[0].leaf).min()
    back = decode(to_compact(ensemble))
    for before, after in zip(ensemble.trees, back.trees, strict=True):
        assert np.abs(after.leaf - before.leaf).max() <= np.ptp(before.leaf) / 2**16
    assert np.abs(exact(back, rows) - model.predict(rows)).max() < 1e-9


@pytest.mark.parametrize("steps", [2**8 - 1, 2**16 - 1])
@pytest.mark.parametrize("spread", [1e-15, 1e-9, 1e-7, 1e-5, 1e-2, 1.0, 1e300])
def test_no_leaf_leaves_its_grid(steps: int, spread: float) -> None:
    leaf = -4.7 + spread * np.random.default_rng(0).random(200)
    low, step = leaf_grid(leaf, steps)
    place = to_steps(leaf, low, step, steps)
    assert 0 == place[leaf.argmin()] <= place.min() <= place.max() == place[leaf.argmax()] == steps
    assert np.abs(low + place * step - leaf).max() <= max(0.75 * step, 4e-16 * abs(leaf).max())


@pytest.mark.parametrize("make", [booster, forest])
def test_an_independent_reader_agrees(make: type) -> None:
    content, rows = make().to_serving(), rows_of(400, 3, missing=make is booster)
    slow = SlowTrees(content)
    found = load_engine("compact", {"model.trees": content}).predict(rows)
    np.testing.assert_allclose([slow.predict(row) for row in rows.tolist()], found, rtol=0, atol=1e-13)


def test_files_are_small() -> None:
    model = booster(300)
    assert len(model.to_serving()) < len(model.to_others()["lightgbm_text"]) / 10
    assert len(forest().to_serving()) < len(forest().to_others()["onnx"]) / 5


def test_a_forest_is_served_by_onnx_as_well() -> None:
    model, rows = forest(), rows_of(500, 4, missing=False)
    engine = load_engine("onnx", {"model.onnx": model.to_others()["onnx"]})
    np.testing.assert_allclose(engine.predict(rows), model.predict(rows), rtol=0, atol=1e-6)
    assert [engine.predict_one(row) for row in rows[:20]] == pytest.approx(engine.predict(rows[:20]).tolist(), abs=1e-7)


@pytest.mark.parametrize("more", [{}, {"use_missing": False}, {"min_data_in_leaf": 10_000}], ids=str)
def test_a_booster_is_served_by_onnx_as_well(more: dict[str, int]) -> None:
    model, rows = booster(**more), rows_of(20_000, 4, missing=True)
    single = rows.clip(-1e30, 1e30).astype(np.float32).astype(np.float64)
    engine = load_engine("onnx", {"model.onnx": model.to_others()["onnx"]})
    np.testing.assert_allclose(engine.predict(rows), model.predict(single), rtol=0, atol=1e-6)


def test_zero_as_missing_cannot_be_told_in_onnx() -> None:
    with pytest.raises(ValueError, match="takes 0 as missing"):
        to_onnx(from_lightgbm(booster(5, zero_as_missing=True).text))


def test_trees_without_a_split() -> None:
    model, rows = booster(3, min_data_in_leaf=10_000), rows_of(50, 6, missing=True)
    engine = load_engine("compact", {"model.trees": model.to_serving()})
    np.testing.assert_allclose(engine.predict(rows), model.predict(rows), rtol=0, atol=1e-12)


def test_the_same_trees_give_the_same_bytes() -> None:
    assert booster().to_serving() == booster().to_serving()


@pytest.mark.parametrize("spoil", [lambda c: b"tree\n" + c, lambda c: c[:-40], lambda c: c[:200] + b"\0" + c[201:]])
def test_a_damaged_file_is_refused(spoil: object) -> None:
    with pytest.raises(EngineError, match="compact trees"):
        load_engine("compact", {"model.trees": spoil(booster(5).to_serving())})  # type: ignore[operator]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda header: header.pop("columns"),
        lambda header: header.pop("single"),
        lambda header: header.update(output="median"),
        lambda header: header.update(columns=3),
        lambda header: header.update(columns="5"),
        lambda header: header.update(arrays=None),
        lambda header: header["arrays"][0].__setitem__(1, "no type"),
    ],
)
def test_a_damaged_header_is_refused(spoil: Callable[[dict[str, Any]], object]) -> None:
    header, arrays = unpacked(booster(5).to_serving())
    spoil(header)
    told = json.dumps(header).encode()
    streams = b"".join(lzma.compress(part, lzma.FORMAT_RAW, filters=FILTERS) for part in (told, *arrays))
    with pytest.raises(EngineError, match="damaged"):
        load_engine("compact", {"model.trees": MAGIC + zlib.crc32(streams).to_bytes(4, "little") + streams})


def unpacked(content: bytes) -> tuple[dict[str, Any], list[bytes]]:
    parts, rest = [], content[8:]
    while rest:
        reader = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=FILTERS)
        parts.append(reader.decompress(rest))
        rest = reader.unused_data
    return json.loads(parts[0]), parts[1:]


@pytest.mark.parametrize("make", [booster, forest])
def test_files_of_the_format_before_are_read(make: type) -> None:
    content = make().to_serving()
    slow = SlowTrees(content)
    arrays = [np.array(slow.arrays[name], dtype) for name, dtype, _ in slow.header["arrays"]]
    told = json.dumps(slow.header).encode()
    payload = len(told).to_bytes(4, "little") + told + b"".join(array.tobytes() for array in arrays)
    before, now = decode(b"PCT1" + lzma.compress(payload)), decode(content)
    rows = rows_of(400, 3, missing=make is booster)
    np.testing.assert_array_equal(exact(before, rows), exact(now, rows))


def test_what_the_format_cannot_hold_is_refused() -> None:
    rows = rows_of(2000, 1, missing=False)[:, :2]
    data = lightgbm.Dataset(rows, labels_of(rows_of(2000, 1, missing=False)), params={"verbose": -1})
    linear = lightgbm.train({"objective": "binary", "linear_tree": True, "verbose": -1}, data, 2).model_to_string()
    with pytest.raises(ValueError, match="linear"):
        from_lightgbm(linear)
    with pytest.raises(ValueError, match="objective"):
        from_lightgbm(linear.replace("binary sigmoid:1", "regression"))
