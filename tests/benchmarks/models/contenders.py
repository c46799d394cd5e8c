"""The ways to serve that are compared: each a model, an engine, the bytes it needs, and how it starts cold."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier

from models.batch import LabelledRows
from models.bundle import artifact_bytes, load_click_model
from models.click_model import ClickModel
from models.family import FittedModel, Labels
from models.forest_rounding import round_forest
from models.random_forest import FittedForest
from models.serving import Scorer
from models.serving.calibrators import Uncalibrated
from models.serving.lightgbm_engine import LightGBMEngine
from models.serving.lleaves_engine import LleavesEngine
from models.serving.manifest import MANIFEST, sha256
from models.serving.onnx_engine import OnnxEngine
from models.serving.single import to_single
from models.serving.types import Floats


@dataclass(frozen=True)
class Contender:
    """One way to serve one model."""

    name: str
    model: str
    """Whose probabilities it gives; the first contender of a model gives them uncompressed."""
    n_bytes: int
    """What has to be read to serve: of bundles all files, of others the model alone."""
    scorer: Scorer
    start: tuple[str, ...]
    """How ``cold.py`` starts it: a kind and a file."""
    slow: bool = False
    """Whether a row takes milliseconds."""


@dataclass(frozen=True)
class ForestEngine:
    """scikit-learn's own prediction."""

    forest: RandomForestClassifier

    def predict(self, rows: Floats) -> Floats:
        return np.asarray(self.forest.predict_proba(to_single(rows))[:, 1])

    def predict_one(self, row: Floats) -> float:
        return float(self.forest.predict_proba(row[np.newaxis])[0, 1])


@dataclass(frozen=True)
class FittedEngine:
    """The prediction of what was fitted, whatever it is."""

    model: FittedModel

    def predict(self, rows: Floats) -> Floats:
        return self.model.predict(rows)

    def predict_one(self, row: Floats) -> float:
        return float(self.model.predict(row[np.newaxis])[0])


@dataclass(frozen=True)
class BoosterEngine:
    """The prediction of LightGBM's Python package, on one thread."""

    booster: lightgbm.Booster

    def predict(self, rows: Floats) -> Floats:
        return np.asarray(self.booster.predict(rows, num_threads=1))

    def predict_one(self, row: Floats) -> float:
        return float(self.booster.predict(row[np.newaxis], num_threads=1)[0])


def default_forest(rows: LabelledRows, encoder: Any, work: Path, *, threads: int) -> Contender:
    """Fit what scikit-learn fits when nobody says otherwise, on the columns that the forest candidate reads."""
    forest = RandomForestClassifier(random_state=0, n_jobs=threads)
    forest.fit(to_single(encoder.encode(rows.batch)), rows.label).set_params(n_jobs=None)
    file = work / "default_forest.joblib"
    joblib.dump(forest, file)
    scorer = Scorer(encoder, ForestEngine(forest), Uncalibrated())
    name = "default forest: joblib, scikit-learn"
    return Contender(name, "default forest", file.stat().st_size, scorer, ("joblib", str(file)), slow=True)


def unrounded(model: FittedForest, rows: Floats, label: Labels, *, threads: int) -> RandomForestClassifier:
    """Grow a candidate's forest again as it was before it was rounded.

    Raises
    ------
    ValueError
        When it is another forest: these are not the rows that the candidate was fitted on.
    """
    forest = clone(model.forest).set_params(n_jobs=threads)
    single = np.asfortranarray(to_single(rows))
    forest.fit(single, label).set_params(n_jobs=1)
    again = copy.deepcopy(forest)
    round_forest(again, single)
    if FittedForest(again).to_serving() != model.to_serving():
        raise ValueError("expected the rows that the forest candidate was fitted on, got others")
    return forest


def of_bundle(folder: Path, fitted_on: LabelledRows, work: Path, *, threads: int) -> Iterator[Contender]:
    """Give the ways to serve the model of a measured bundle: first as it was fitted, the bundle itself last.

    The pickle is loaded: take lakes that you trust.
    """
    model = load_click_model(folder, manifest_sha256=sha256((folder / MANIFEST).read_bytes()))
    served = Scorer.load(folder)
    name = served.manifest["name"]
    others = {key: _written(work / f"{name}.{key}", content) for key, content in model.model.to_others().items()}
    if isinstance(model.model, FittedForest):
        forest = unrounded(model.model, model.encoder.encode(fitted_on.batch), fitted_on.label, threads=threads)
        n_bytes = len(_pickled(replace(model, model=FittedForest(forest))))
        file = _written(work / f"{name}.joblib", _pickled(forest))
        scorer = _with(model, ForestEngine(forest))
        yield Contender(
            f"{name}: joblib, not rounded, scikit-learn", name, n_bytes, scorer, ("joblib", str(file)), True
        )
    elif "lightgbm_text" not in others:
        file, n_bytes = _written(work / f"{name}.joblib", _pickled(model.model)), len(_pickled(model))
        scorer = _with(model, FittedEngine(model.model))
        yield Contender(f"{name}: joblib, as fitted", name, n_bytes, scorer, ("fitted", str(file)), slow=True)
    if text := others.get("lightgbm_text"):
        n_bytes, booster = text.stat().st_size, lightgbm.Booster(model_file=text)
        scorer = _with(model, BoosterEngine(booster))
        yield Contender(f"{name}: text, Booster.predict", name, n_bytes, scorer, ("booster", str(text)))
        scorer = _with(model, LightGBMEngine(text.read_bytes()))
        yield Contender(f"{name}: text, C API", name, n_bytes, scorer, ("c_api", str(text)))
        if has_lleaves():
            scorer = _with(model, LleavesEngine(text.read_bytes()))
            yield Contender(f"{name}: text, lleaves", name, n_bytes, scorer, ("lleaves", str(text)))
    if onnx := others.get("onnx"):
        scorer = _with(model, OnnxEngine(onnx.read_bytes()))
        yield Contender(f"{name}: ONNX, ONNX Runtime", name, onnx.stat().st_size, scorer, ("onnx", str(onnx)))
    n_bytes = artifact_bytes(served.manifest, {})["serving"]
    yield Contender(f"{name}: bundle as served", name, n_bytes, served, ("bundle", str(folder)))


def has_lleaves() -> bool:
    """Say whether the optional engine takes part."""
    return find_spec("lleaves") is not None


def _with(model: ClickModel, engine: Any) -> Scorer:
    return Scorer(model.encoder, engine, model.calibrator)


def _pickled(model: object) -> bytes:
    content = io.BytesIO()
    joblib.dump(model, content)
    return content.getvalue()


def _written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file
