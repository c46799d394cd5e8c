"""A fitted autoencoder as a folder of plain files: no pickle, every file vouched for by its hash."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.autoencoder.encoder import SparseEncoder
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.variants import ESTIMATORS

CONFIG, VOCABULARY, WEIGHTS, MANIFEST = (
    "config.json",
    "vocabulary.json",
    "weights.safetensors",
    "manifest.json",
)
LEARNED_FILES = (CONFIG, VOCABULARY, WEIGHTS)
"""In name order, the order in which the version hashes them."""

NOT_LEARNED = ("device", "n_threads", "on_epoch", "random_state")
"""Settings that say how a fit was run; equal weights are the same version whatever they were."""

BITS_WHEN_NOT_SAID = 16
"""`value_bits` of what was stored before there was a choice: its codes stay what they were."""

LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "safetensors")


class CorruptArtefact(ValueError):
    """A stored autoencoder lacks a file, or a file is not what the manifest vouches for."""


@dataclass(frozen=True)
class StoredAutoencoder:
    """What a folder holds."""

    estimator: Autoencoder
    """Fitted; `partial_fit` goes on from its weights."""

    vocabulary: list[str]
    """Token of each input column."""

    manifest: dict[str, Any]
    """As `save` wrote it."""


def save(
    estimator: Autoencoder, vocabulary: Sequence[str], folder: Path, measures: Mapping[str, Any]
) -> dict[str, Any]:
    """Write a fitted autoencoder.

    Parameters
    ----------
    estimator : Autoencoder
        Fitted.
    vocabulary : sequence of str
        Token of each input column.
    folder : Path
        Made when absent; files of these names are replaced, the manifest last.
    measures : mapping
        As `models.autoencoder.measures.measure` gives them, and whatever else is known of the fit; all of it goes into
        the manifest, not into the version.

    Returns
    -------
    dict
        The manifest: `version` (12 hex digits of the sha256 over the learned files), `estimator`,
        `n_latents`, `k` (null where the variant has none), `click_weight`, `n_tokens`, the measures, `files`
        (sha256 and bytes of each), `libraries`.

    Raises
    ------
    ValueError
        When the vocabulary does not have one token for each input column.
    """
    if len(vocabulary) != estimator.n_features_in_:
        raise ValueError(f"{len(vocabulary)} tokens, expected {estimator.n_features_in_}, one an input column")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    _write_json(folder / CONFIG, _config(estimator))
    _write_json(folder / VOCABULARY, list(vocabulary))
    tensors = {name: np.ascontiguousarray(getattr(estimator, name)) for name in estimator.learned}
    save_file(tensors, folder / WEIGHTS)
    manifest = _manifest(estimator, folder, measures)
    _write_json(folder / MANIFEST, manifest)
    return manifest


def load(folder: Path) -> StoredAutoencoder:
    """Read what `save` wrote, once every hash has been checked.

    Raises
    ------
    CorruptArtefact
        When a file is missing, unreadable, or not the one that the manifest names.
    """
    manifest = verify(folder)
    config = _read_json(folder / CONFIG)
    if config["estimator"] not in ESTIMATORS:
        known = ", ".join(ESTIMATORS)
        raise CorruptArtefact(f"{folder / CONFIG}: estimator {config['estimator']}, expected one of {known}")
    estimator = ESTIMATORS[config["estimator"]](**{"value_bits": BITS_WHEN_NOT_SAID, **config["settings"]})
    vocabulary = _read_json(folder / VOCABULARY)
    _restore(estimator, len(vocabulary), folder / WEIGHTS)
    return StoredAutoencoder(estimator, vocabulary, manifest)


def load_encoder(folder: Path) -> tuple[SparseEncoder, list[str]]:
    """Read what encoding needs, the encoder and the token of each input column; checked as by `load`."""
    stored = load(folder)
    return stored.estimator.sparse_encoder(), stored.vocabulary


def verify(folder: Path) -> dict[str, Any]:
    """Check every learned file against the manifest, and give the manifest.

    Raises
    ------
    CorruptArtefact
        Naming the first file that is missing or differs.
    """
    manifest = _read_json(folder / MANIFEST)
    for name in LEARNED_FILES:
        try:
            found, expected = _fingerprint(folder / name), manifest["files"][name]
        except (OSError, LookupError, TypeError) as error:
            raise CorruptArtefact(f"{folder / name}: missing, or not in {MANIFEST}") from error
        if found != expected:
            raise CorruptArtefact(f"{folder / name}: found {found}, expected {expected}")
    if manifest.get("version") != _version(folder):
        raise CorruptArtefact(f"{folder / MANIFEST}: version is not {_version(folder)}, that of its files")
    return dict(manifest)


def _config(estimator: Autoencoder) -> dict[str, Any]:
    settings = {name: value for name, value in estimator.get_params().items() if name not in NOT_LEARNED}
    if not settings["click_weight"]:
        del settings["click_weight"]  # without the term, versions keep the names that they had before there was one
    return {"estimator": type(estimator).__name__, "settings": settings}


def _manifest(estimator: Autoencoder, folder: Path, measures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": _version(folder),
        "estimator": type(estimator).__name__,
        "n_latents": estimator.sparse_encoder().n_latents,
        "k": estimator.get_params().get("k"),
        "click_weight": estimator.click_weight,
        "n_tokens": estimator.n_features_in_,
        **measures,
        "files": {name: _fingerprint(folder / name) for name in LEARNED_FILES},
        "libraries": {"python": platform.python_version()} | {name: library_version(name) for name in LIBRARIES},
    }


def _restore(estimator: Autoencoder, n_tokens: int, weights: Path) -> None:
    try:
        tensors = load_file(weights)
    except SafetensorError as error:
        raise CorruptArtefact(f"{weights}: {error}") from error
    if sorted(tensors) != sorted(estimator.learned) or tensors["mean_"].shape != (n_tokens,):
        raise CorruptArtefact(f"{weights}: not the tensors of {type(estimator).__name__} for {n_tokens} tokens")
    for name, value in tensors.items():
        setattr(estimator, name, value)
    estimator.n_features_in_ = n_tokens


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in LEARNED_FILES:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:12]


def _fingerprint(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptArtefact(f"{path}: {error}") from error
