"""Nothing of a bundle is used before its hash is found to be right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.serving import BundleError, HashMismatchError, Scorer
from models.serving.manifest import read_manifest, read_measures, read_verified, sha256


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle whose files are no encoder and no model: whoever reads them before checking will fail otherwise."""
    files = {name: b"not what it should be" for name in ("encoder.json.gz", "model.json", "calibrator.json")}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    put_manifest(
        tmp_path,
        bundle_format=3,
        serving_format="json",
        serving_files=sorted(files),
        files={name: {"sha256": sha256(content)} for name, content in files.items()},
    )
    return tmp_path


def put_manifest(folder: Path, **entries: Any) -> None:
    (folder / "manifest.json").write_text(json.dumps(entries))


@pytest.mark.parametrize("name", ["encoder.json.gz", "model.json", "calibrator.json"])
def test_a_changed_file_is_refused_before_any_is_read(bundle: Path, name: str) -> None:
    (bundle / name).write_bytes(b"tampered")
    with pytest.raises(HashMismatchError, match=name):
        Scorer.load(bundle)


def test_a_manifest_that_the_caller_does_not_vouch_for_is_refused(bundle: Path) -> None:
    vouched = sha256((bundle / "manifest.json").read_bytes())
    assert read_manifest(bundle, manifest_sha256=vouched)["bundle_format"] == 3
    with pytest.raises(HashMismatchError, match=r"manifest\.json"):
        Scorer.load(bundle, manifest_sha256="0" * 64)


def test_missing_files_are_named(bundle: Path) -> None:
    (bundle / "model.json").unlink()
    with pytest.raises(BundleError, match=r"model\.json: missing"):
        Scorer.load(bundle)
    with pytest.raises(BundleError, match=r"manifest\.json: missing"):
        Scorer.load(bundle / "nowhere")


@pytest.mark.parametrize("name", ["schema.json", "../secret.json", "/etc/passwd"])
def test_only_files_of_the_bundle_are_read(bundle: Path, name: str) -> None:
    manifest = read_manifest(bundle)
    if not name.startswith("schema"):
        manifest["files"][name] = {"sha256": "whatever"}
    with pytest.raises(BundleError, match="does not vouch"):
        read_verified(bundle, manifest, [name])


def test_the_manifest_vouches_for_the_measures(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    with pytest.raises(BundleError, match="does not vouch"):
        read_measures(bundle, manifest)
    manifest["files"]["measures.json"] = {"sha256": sha256(b'{"auc": 0.7}')}
    (bundle / "measures.json").write_bytes(b'{"auc": 0.7}')
    assert read_measures(bundle, manifest) == {"auc": 0.7}
    (bundle / "measures.json").write_bytes(b'{"auc": 0.9}')
    with pytest.raises(HashMismatchError, match=r"measures\.json"):
        read_measures(bundle, manifest)


def test_a_bundle_that_holds_its_measures_in_the_manifest_is_read_as_well(bundle: Path) -> None:
    put_manifest(bundle, **{**read_manifest(bundle), "bundle_format": 2, "measures": {"auc": 0.7}})
    assert read_measures(bundle, read_manifest(bundle)) == {"auc": 0.7}


@pytest.mark.parametrize("text", ["{}", "[1]", "no json", '{"bundle_format": 1}'])
def test_an_unknown_manifest_is_refused(bundle: Path, text: str) -> None:
    (bundle / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        Scorer.load(bundle)


def test_an_unknown_serving_format_is_refused(bundle: Path) -> None:
    with pytest.raises(BundleError, match="pickle"):
        Scorer.from_contents("pickle", {})
    assert bundle.exists()
