"""Writing bundles: everything that a published model needs, in one folder, under one hash.

The scorer reads the serving files and the manifest. Beside them lie ``model.joblib``, the feature schema, the
embedding, and what was measured.
"""

from __future__ import annotations

import gzip
import io
import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import joblib

from models.candidates import FittedCandidate
from models.click_model import ClickModel
from models.schema import SCHEMA_FILE, FeatureSchema
from models.serving.engines import ENGINES, MODEL_FILES
from models.serving.manifest import BUNDLE_FORMAT, MANIFEST, MEASURES, read_manifest, read_verified, sha256
from models.serving.scorer import CALIBRATOR_FILE, ENCODER_FILE

JOBLIB_FILE, EMBEDDING_FOLDER = "model.joblib", "embedding"
VERSION_DIGITS = 12
LIBRARIES = ("numpy", "scikit-learn", "lightgbm", "onnxruntime", "skl2onnx", "joblib")


@dataclass(frozen=True)
class Embedding:
    """The embedding version that a candidate's codes come from."""

    version: str
    folder: Path


def serving_contents(model: ClickModel) -> dict[str, bytes]:
    """Give the files that the scorer reads besides the manifest: name -> content.

    They hold the columns that the model reads, and no others: a row need not have what no probability hangs on.
    """
    columns = model.model.columns_read() or [0]  # a row has at least one
    return {
        ENCODER_FILE: gzip.compress(json_bytes(model.encoder.only(columns).to_json()), mtime=0),
        MODEL_FILES[model.model.serving_format]: model.model.to_serving(columns),
        CALIBRATOR_FILE: json_bytes(model.calibrator.to_json()),
    }


def write_bundle(
    folder: Path,
    candidate: FittedCandidate,
    *,
    serving: Mapping[str, bytes],
    ds: date,
    schema: FeatureSchema,
    embedding: Embedding | None,
    measures: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the bundle of a fitted candidate.

    Parameters
    ----------
    folder : Path
        A folder that does not exist yet.
    candidate : FittedCandidate
        What to write.
    serving : mapping
        What `serving_contents` gave.
    ds : date
        The day of the training set.
    schema : FeatureSchema
        The feature columns.
    embedding : Embedding or None
        Copied into the bundle when the candidate reads codes.
    measures : mapping
        What is known before measuring.

    Returns
    -------
    dict
        The manifest.
    """
    folder.mkdir(parents=True)
    pickled = io.BytesIO()
    joblib.dump(candidate.model, pickled)
    for name, content in {
        **serving,
        SCHEMA_FILE: json_bytes(schema.to_json()),
        JOBLIB_FILE: pickled.getvalue(),
    }.items():
        (folder / name).write_bytes(content)
    if embedding is not None and candidate.spec.codes:
        shutil.copytree(embedding.folder, folder / EMBEDDING_FOLDER)
    files = _files(folder)
    manifest = {
        "bundle_format": BUNDLE_FORMAT,
        "name": candidate.spec.name,
        "family": candidate.spec.settings.family,
        "version": _version(files),
        "ds": ds.isoformat(),
        "feature_schema_hash": schema.hash,
        "embedding_version": embedding.version if embedding is not None and candidate.spec.codes else None,
        "serving_format": candidate.model.model.serving_format,
        "engine": ENGINES[candidate.model.model.serving_format][0],
        "serving_files": sorted(serving),
        "files": files,
        "libraries": {"python": platform.python_version(), **{name: version_of(name) for name in LIBRARIES}},
    }
    return _with_measures(folder, manifest, measures)


def put_measures(folder: Path, measures: Mapping[str, Any]) -> dict[str, Any]:
    """Put measures beside a bundle's files, and their hash and the fastest engine into its manifest; gives that.

    Nothing else is touched, and a hash has one length, so that the manifest's size is known before it is written.
    """
    return _with_measures(folder, served_by(read_manifest(folder), measures), measures)


def served_by(manifest: Mapping[str, Any], measures: Mapping[str, Any]) -> dict[str, Any]:
    """Give the manifest with the engine that the measures name, if both name one."""
    named = {"engine": measures["engine"]} if "engine" in manifest and measures.get("engine") else {}
    return {**manifest, **named}


def _with_measures(folder: Path, manifest: Mapping[str, Any], measures: Mapping[str, Any]) -> dict[str, Any]:
    content = json_bytes(dict(measures))
    completed = {**manifest, "files": {**manifest["files"], MEASURES: {"sha256": sha256(content)}}}
    (folder / MEASURES).write_bytes(content)
    (folder / MANIFEST).write_bytes(json_bytes(completed))
    return completed


def artifact_bytes(manifest: Mapping[str, Any], measures: Mapping[str, Any]) -> dict[str, int]:
    """Give the size of each format.

    ``serving`` is all that the scorer reads: its files, and the manifest as it is. Every other entry is one file that
    holds the model alone; those of formats that the bundle lacks were told when the model was fitted (see
    `models.formats`), so that nothing need be unpickled here.
    """
    serving = sum(manifest["files"][name]["bytes"] for name in manifest["serving_files"])
    model_file = MODEL_FILES[manifest["serving_format"]]
    return {
        "joblib": manifest["files"][JOBLIB_FILE]["bytes"],
        "serving": serving + len(json_bytes(manifest)),
        manifest["serving_format"]: manifest["files"][model_file]["bytes"],
        **(measures.get("other_formats") or {}),
    }


def load_click_model(folder: Path, *, manifest_sha256: str) -> ClickModel:
    """Unpickle ``model.joblib``.

    Parameters
    ----------
    folder : Path
        The bundle.
    manifest_sha256 : str
        The hash that the registry holds. A pickle runs code: nothing is unpickled that it does not vouch for.

    Raises
    ------
    HashMismatchError
        When the manifest or the pickle is not the registered one.
    """
    manifest = read_manifest(folder, manifest_sha256=manifest_sha256)
    content = read_verified(folder, manifest, [JOBLIB_FILE])[JOBLIB_FILE]
    model = joblib.load(io.BytesIO(content))
    if not isinstance(model, ClickModel):
        raise TypeError(f"{folder / JOBLIB_FILE}: expected a ClickModel, got {type(model).__name__}")
    return model


def _files(folder: Path) -> dict[str, dict[str, Any]]:
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    return {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in contents.items()}


def _version(files: Mapping[str, Mapping[str, Any]]) -> str:
    """Hash what was learned: neither the pickle (the same model again) nor the embedding's own manifest."""
    learned = {
        name: entry["sha256"] for name, entry in files.items() if name != JOBLIB_FILE and not name.endswith(MANIFEST)
    }
    return sha256(json_bytes(learned))[:VERSION_DIGITS]


def json_bytes(value: object) -> bytes:
    """Give a value as compact JSON with sorted keys: the same value, the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
