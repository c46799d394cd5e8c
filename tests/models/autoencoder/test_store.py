"""A stored autoencoder is the same after loading, or it is refused by name."""

from __future__ import annotations

import json
from copy import copy

import numpy as np
import pytest
from sklearn.base import clone

from models.autoencoder.measures import measure
from models.autoencoder.store import LEARNED_FILES, CorruptArtefact, _fingerprint, _version, load, load_encoder, save

VOCABULARY = [f"open:screen_{i}" for i in range(47)] + ["achat:café"]


@pytest.fixture
def folder(tmp_path, fitted):
    save(fitted, VOCABULARY, tmp_path / "embedding", fitted.measures_)
    return tmp_path / "embedding"


def test_codes_and_measures_are_the_same_after_loading(tmp_path, variant, new_counts):
    save(variant, VOCABULARY, tmp_path, variant.measures_)
    stored = load(tmp_path)
    before, after = variant.transform(new_counts), stored.estimator.transform(new_counts)

    assert type(stored.estimator) is type(variant)
    assert stored.vocabulary == VOCABULARY
    assert np.array_equal(before.toarray(), after.toarray())
    assert measure(stored.estimator, new_counts) == measure(variant, new_counts)
    encoder, tokens = load_encoder(tmp_path)
    assert tokens == VOCABULARY
    assert np.array_equal(encoder.encode(new_counts).toarray(), before.toarray())


def test_the_manifest_says_what_is_stored(folder, fitted):
    manifest = json.loads((folder / "manifest.json").read_text())

    assert manifest == load(folder).manifest
    assert len(manifest["version"]) == 12
    assert manifest["n_latents"] == 8
    assert manifest["k"] == 2
    assert {name: manifest[name] for name in fitted.measures_} == fitted.measures_
    assert manifest["files"]["weights.safetensors"]["bytes"] == (folder / "weights.safetensors").stat().st_size
    assert "torch" in manifest["libraries"]


def test_the_version_names_what_was_learned_and_nothing_else(fitted, counts, tmp_path):
    one, again, other = (
        clone(fitted).set_params(max_epochs=2, random_state=seed, on_epoch=hook).fit(counts)
        for seed, hook in ((0, None), (0, print), (1, None))
    )
    version = save(one, VOCABULARY, tmp_path / "one", {})["version"]

    assert save(again, VOCABULARY, tmp_path / "again", {"fvu": 0.0})["version"] == version
    assert save(other, VOCABULARY, tmp_path / "other", {})["version"] != version
    assert save(again, VOCABULARY[::-1], tmp_path / "words", {})["version"] != version


def test_codes_of_what_was_stored_before_values_took_eight_bits_stay_what_they_were(fitted, new_counts, tmp_path):
    before = copy(fitted).set_params(value_bits=16)
    save(before, VOCABULARY, tmp_path, {})
    config = json.loads((tmp_path / "config.json").read_text())
    del config["settings"]["value_bits"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    vouch_for_what_is_there(tmp_path)

    assert np.array_equal(load(tmp_path).estimator.transform(new_counts).data, before.transform(new_counts).data)
    assert not np.array_equal(before.transform(new_counts).data, fitted.transform(new_counts).data)


def vouch_for_what_is_there(folder):
    """Write the hashes of changed files into the manifest, as an earlier release would have written them."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest |= {"files": {name: _fingerprint(folder / name) for name in LEARNED_FILES}, "version": _version(folder)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_training_goes_on_from_a_loaded_autoencoder(tmp_path, counts, new_counts, variant):
    save(variant, VOCABULARY, tmp_path, {})
    further = load(tmp_path).estimator.partial_fit(counts)

    assert further.score(new_counts) > variant.score(new_counts) - 0.05


@pytest.mark.parametrize("name", ["config.json", "vocabulary.json", "weights.safetensors"])
def test_a_file_that_was_changed_or_lost_is_refused_by_name(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(CorruptArtefact, match=name):
        load(folder)

    (folder / name).unlink()
    with pytest.raises(CorruptArtefact, match=f"{name}: missing"):
        load(folder)


@pytest.mark.parametrize("text", ["", "[]", '{"version": "x"}', None])
def test_a_manifest_that_cannot_vouch_is_refused(folder, text):
    if text is None:
        (folder / "manifest.json").unlink()
    else:
        (folder / "manifest.json").write_text(text)

    with pytest.raises(CorruptArtefact, match=r"manifest\.json"):
        load(folder)


def test_a_version_that_is_not_that_of_the_files_is_refused(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": "0" * 12}))

    with pytest.raises(CorruptArtefact, match="version"):
        load(folder)


def test_nothing_is_vouched_for_until_all_is_written(folder, fitted, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("models.autoencoder.store.save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save(fitted, VOCABULARY, folder, {})
    with pytest.raises(CorruptArtefact, match=r"manifest\.json"):
        load(folder)


def test_a_vocabulary_of_another_length_is_refused(fitted, tmp_path):
    with pytest.raises(ValueError, match="47 tokens, expected 48"):
        save(fitted, VOCABULARY[1:], tmp_path, {})
