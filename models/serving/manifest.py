"""A bundle's manifest: nothing of a bundle is used before its hash is found to be right.

The manifest holds what a scorer needs, and vouches for the measures, which lie in a file of their own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .errors import BundleError, HashMismatchError

MANIFEST = "manifest.json"
MEASURES = "measures.json"
BUNDLE_FORMAT = 3
READABLE = (2, BUNDLE_FORMAT)
"""Formats that are known; in 2 the measures lie in the manifest."""


def sha256(content: bytes) -> str:
    """Give the SHA-256 of some bytes, as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def read_manifest(folder: Path, *, manifest_sha256: str | None = None) -> dict[str, Any]:
    """Read a bundle's manifest.

    Parameters
    ----------
    folder : Path
        The bundle.
    manifest_sha256 : str, optional
        What the manifest's own hash must be; unchecked by default.

    Raises
    ------
    BundleError
        When there is no manifest, or it is of a format that is not known.
    HashMismatchError
        When the manifest is not the one that the caller vouches for.
    """
    content = _read(folder / MANIFEST)
    if manifest_sha256 is not None and sha256(content) != manifest_sha256:
        raise HashMismatchError(f"{folder / MANIFEST}: expected sha256 {manifest_sha256}, found {sha256(content)}")
    try:
        manifest = json.loads(content)
    except ValueError:
        raise BundleError(f"{folder / MANIFEST}: not a JSON file") from None
    if not isinstance(manifest, dict) or manifest.get("bundle_format") not in READABLE:
        raise BundleError(f"{folder / MANIFEST}: expected bundle_format {' or '.join(map(str, READABLE))}")
    return manifest


def read_verified(folder: Path, manifest: dict[str, Any], names: Iterable[str]) -> dict[str, bytes]:
    """Read files of a bundle; gives what was hashed, so that nobody can swap a file in between.

    Raises
    ------
    BundleError
        When the manifest does not name a file, or the file is missing.
    HashMismatchError
        When a file is not the one that the manifest vouches for.
    """
    contents = {}
    for name in names:
        if name not in manifest["files"] or ".." in Path(name).parts or Path(name).is_absolute():
            raise BundleError(f"{folder / MANIFEST}: does not vouch for a file {name!r}")
        contents[name] = _read(folder / name)
        expected, found = manifest["files"][name]["sha256"], sha256(contents[name])
        if found != expected:
            raise HashMismatchError(f"{folder / name}: expected sha256 {expected}, found {found}")
    return contents


def read_measures(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Read what was measured of a bundle, after its hash was found to be right.

    Raises
    ------
    BundleError
        When the measures are missing; `HashMismatchError` when they are not those that the manifest vouches for.
    """
    if "measures" in manifest:
        return dict(manifest["measures"])
    found: dict[str, Any] = json.loads(read_verified(folder, manifest, [MEASURES])[MEASURES])
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise BundleError(f"{path}: missing") from None
