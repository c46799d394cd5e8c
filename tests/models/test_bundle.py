"""Bundles: their version is what was learned, their manifest vouches for every byte, and pickles wait for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest

from models.batch import LabelledRows
from models.boosted_trees import BoostedTreesSettings
from models.bundle import artifact_bytes, load_click_model, put_measures, serving_contents
from models.candidates import FittedCandidate, fit_candidate
from models.family import EncodedParts
from models.schema import FeatureSchema
from models.serving import HashMismatchError, Scorer
from models.serving.calibrators import Platt
from models.serving.manifest import read_manifest, read_measures, read_verified, sha256

Write = Callable[[FittedCandidate, str], Path]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def hash_of(folder: Path) -> str:
    return sha256((folder / "manifest.json").read_bytes())


@pytest.mark.parametrize("name", ["logistic", "random_forest", "lightgbm"])
def test_the_same_candidate_gives_the_same_bytes(
    name: str, candidates: dict[str, FittedCandidate], write: Write
) -> None:
    assert bytes_of(write(candidates[name], "once")) == bytes_of(write(candidates[name], "again"))


def test_all_that_was_learned_is_in_the_version_and_times_are_not(
    candidates: dict[str, FittedCandidate], write: Write
) -> None:
    lightgbm = candidates["lightgbm"]
    version = read_manifest(write(lightgbm, "once"))["version"]
    slower = replace(lightgbm, fit_seconds=99.0)
    calibrated = replace(lightgbm, model=replace(lightgbm.model, calibrator=Platt(1.0, 0.1)))
    assert read_manifest(write(slower, "slower"))["version"] == version
    assert read_manifest(write(calibrated, "calibrated"))["version"] != version
    assert len(version) == 12


def test_the_embedding_goes_with_candidates_that_read_codes(
    candidates: dict[str, FittedCandidate], write: Write
) -> None:
    with_codes = write(candidates["lightgbm"], "with")
    without = write(candidates["lightgbm_no_embedding"], "without")
    assert (with_codes / "embedding" / "weights.safetensors").read_bytes() == b"weights"
    assert not (without / "embedding").exists()
    assert [read_manifest(folder)["embedding_version"] for folder in (with_codes, without)] == ["abc", None]


def test_the_manifest_vouches_for_every_file(candidates: dict[str, FittedCandidate], write: Write) -> None:
    folder = write(candidates["random_forest"], "bundle")
    manifest = read_manifest(folder)
    assert set(manifest["files"]) == set(bytes_of(folder)) - {"manifest.json"}
    read_verified(folder, manifest, manifest["files"])
    assert set(manifest["serving_files"]) == {"encoder.json.gz", "model.trees", "calibrator.json"}


def test_putting_measures_touches_the_manifests_hash_of_them_alone(
    candidates: dict[str, FittedCandidate], write: Write
) -> None:
    folder = write(candidates["logistic"], "bundle")
    before, manifest = bytes_of(folder), read_manifest(folder)
    sizes = artifact_bytes(manifest, {})
    measures = {"auc": 0.7, "latency_us": {"p50": 12.345}}
    assert put_measures(folder, measures) == read_manifest(folder)
    after = bytes_of(folder)
    assert {name for name in after if after[name] != before[name]} == {"manifest.json", "measures.json"}
    assert len(after["manifest.json"]) == len(before["manifest.json"])
    assert read_measures(folder, read_manifest(folder)) == measures
    assert read_manifest(folder)["version"] == manifest["version"]
    assert artifact_bytes(read_manifest(folder), measures) == sizes


def test_serving_bytes_are_what_the_scorer_reads(
    candidates: dict[str, FittedCandidate], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(candidates["lightgbm"], "bundle")
    read: list[Path] = []
    whole = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or whole(path))
    sizes = artifact_bytes(Scorer.load(folder).manifest, {"other_formats": {"onnx": 7}})
    assert {path.name for path in read} == {"manifest.json", "encoder.json.gz", "model.trees", "calibrator.json"}
    assert sizes["serving"] == sum(path.stat().st_size for path in read)
    assert sizes["joblib"] == (folder / "model.joblib").stat().st_size
    assert (sizes["compact"], sizes["onnx"]) == ((folder / "model.trees").stat().st_size, 7)


@pytest.mark.parametrize("name", ["logistic", "random_forest", "lightgbm"])
def test_a_row_need_not_have_what_no_probability_hangs_on(
    name: str, candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows], schema: FeatureSchema
) -> None:
    train, validation = (spoiled(parts[part]) for part in ("train", "validation"))
    spec = candidates[name].spec
    fitted = fit_candidate(spec, train, validation, schema, 8, seed=0, n_threads=1)
    scorer = Scorer.from_contents(fitted.model.model.serving_format, serving_contents(fitted.model))
    assert "push_enabled" in fitted.model.encoder.raw_columns
    assert "push_enabled" not in scorer.encoder.raw_columns
    batch = {key: column for key, column in parts["holdout"].batch.items() if key != "push_enabled"}
    np.testing.assert_allclose(scorer.score(batch), fitted.model.predict(parts["holdout"].batch), atol=2e-5)


def spoiled(rows: LabelledRows) -> LabelledRows:
    """A column of which nothing can be learned."""
    return replace(rows, batch={**rows.batch, "push_enabled": np.ones(len(rows))})


def test_a_model_that_reads_nothing_is_served(
    candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows]
) -> None:
    model = candidates["lightgbm"].model
    rows = np.zeros((50, len(model.encoder.columns)))
    constant = BoostedTreesSettings(max_trees=3).fit(
        EncodedParts(model.encoder, rows, np.arange(50) % 2), seed=0, n_threads=1
    )
    alone = replace(model, model=constant)
    scorer = Scorer.from_contents("compact", serving_contents(alone))
    np.testing.assert_allclose(scorer.score(parts["holdout"].batch), alone.predict(parts["holdout"].batch), atol=1e-9)


@pytest.mark.parametrize("name", ["logistic", "random_forest", "lightgbm"])
def test_the_pickle_is_the_same_model(
    name: str, candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows], write: Write
) -> None:
    folder = write(candidates[name], "bundle")
    model = load_click_model(folder, manifest_sha256=hash_of(folder))
    batch = parts["holdout"].batch
    np.testing.assert_array_equal(model.predict(batch), candidates[name].model.predict(batch))
    np.testing.assert_allclose(model.predict_proba(batch)[:, 1], Scorer.load(folder).score(batch), atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(batch).sum(axis=1), 1)


class Explosive:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_a_tampered_pickle_is_never_unpickled(
    candidates: dict[str, FittedCandidate], write: Write, tmp_path: Path
) -> None:
    folder = write(candidates["logistic"], "bundle")
    vouched, trace = hash_of(folder), tmp_path / "ran"
    joblib.dump(Explosive(trace), folder / "model.joblib")
    with pytest.raises(HashMismatchError, match=r"model\.joblib"):
        load_click_model(folder, manifest_sha256=vouched)

    manifest = read_manifest(folder)  # one who can write the pickle can write the manifest, not the registry
    manifest["files"]["model.joblib"]["sha256"] = sha256((folder / "model.joblib").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(HashMismatchError, match=r"manifest\.json"):
        load_click_model(folder, manifest_sha256=vouched)
    assert not trace.exists()


def test_a_pickle_of_something_else_is_refused(candidates: dict[str, FittedCandidate], write: Write) -> None:
    folder = write(candidates["logistic"], "bundle")
    joblib.dump({"no": "model"}, folder / "model.joblib")
    manifest = read_manifest(folder)
    manifest["files"]["model.joblib"]["sha256"] = sha256((folder / "model.joblib").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(TypeError, match="ClickModel"):
        load_click_model(folder, manifest_sha256=hash_of(folder))


def test_the_schema_lies_in_the_bundle(
    candidates: dict[str, FittedCandidate], write: Write, schema: FeatureSchema
) -> None:
    folder = write(candidates["logistic"], "bundle")
    assert FeatureSchema.from_json(json.loads((folder / "schema.json").read_text())) == schema
    assert read_manifest(folder)["feature_schema_hash"] == schema.hash
