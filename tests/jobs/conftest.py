"""What tests of jobs share: a root with an empty MLflow store, and small bundles."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.tracking import Tracking


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow takes a second to make a store: copy one."""
    root = tmp_path_factory.mktemp("empty")
    assert Tracking(str(root)).client is not None
    return root / "mlflow.db"


@pytest.fixture
def root(tmp_path: Path, empty_store: Path) -> str:
    folder = tmp_path / "a lake"
    folder.mkdir()
    shutil.copy(empty_store, folder)
    return str(folder)


@pytest.fixture(scope="session")
def put_bundle() -> Callable[..., Path]:
    """Write a bundle whose version is the hash of its model, as the trainer does."""

    def put(folder: Path, *, content: str, ds: str, measures: dict[str, Any]) -> Path:
        folder.mkdir(parents=True)
        (folder / "model.txt").write_text(content)
        (folder / "model.joblib").write_bytes(b"pickle of " + content.encode())
        (folder / "measures.json").write_text(json.dumps(measures))
        files = {
            path.name: {"sha256": sha256(path.read_bytes()), "bytes": path.stat().st_size}
            for path in sorted(folder.iterdir())
        }
        manifest = {
            "bundle_format": 3,
            "name": measures["name"],
            "family": "lightgbm",
            "version": sha256(content.encode())[:12],
            "ds": ds,
            "feature_schema_hash": "f" * 12,
            "embedding_version": None,
            "serving_format": "lightgbm_text",
            "serving_files": ["model.txt"],
            "files": files,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return put


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
