"""A version is made once, changes hands in one step, and is used only as it was registered."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.errors import BadInput
from jobs.registry import Registry, Version, champion_bundle

MEASURES = {"name": "forest", "auc": 0.75, "latency_us": {"p99": 80.0}, "load_ms": math.nan, "lift": [1]}


@pytest.fixture
def bundle(tmp_path: Path, put_bundle: Callable[..., Path]) -> Callable[[str], Path]:
    """Write a bundle; of two with the same content the version is the same and the manifest is not."""

    def make(content: str) -> Path:
        number = len(list(tmp_path.iterdir()))
        measures = {**MEASURES, "fit_seconds": number}
        return put_bundle(tmp_path / f"bundle {number}", content=content, ds="2026-02-02", measures=measures)

    return make


@pytest.fixture
def registry(root: str) -> Registry:
    return Registry(root)


def test_a_run_shows_parameters_tags_and_the_numbers_among_the_measures(registry, bundle) -> None:
    run = registry.tracking.log_candidate_run(bundle("a"))
    assert run.data.params["family"] == "lightgbm"
    assert (run.data.tags["candidate"], run.data.tags["ds"]) == ("forest", "2026-02-02")
    metrics = {"auc": 0.75, "latency_us.p99": 80.0}
    assert {name: run.data.metrics[name] for name in run.data.metrics if name != "fit_seconds"} == metrics


def test_the_same_content_is_one_run_and_one_version(registry, bundle) -> None:
    first = registry.register(bundle("a"))
    assert registry.register(bundle("a")) == first
    other = registry.register(bundle("b"))
    assert registry.versions() == [other, first]
    assert len(list(registry.tracking.runs())) == 2


def test_a_run_that_was_cut_off_is_completed(registry, bundle, monkeypatch) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    made = bundle("a")
    monkeypatch.setattr(type(registry.tracking.client), "log_artifacts", cut_off)
    with pytest.raises(KeyboardInterrupt):
        registry.register(made)
    monkeypatch.undo()
    version = registry.register(made)
    assert len(list(registry.tracking.runs())) == 1
    assert (registry.bundle(version).folder / "model.txt").read_text() == "a"


def test_promoting_moves_the_alias_and_remembers_one_step(registry, bundle) -> None:
    first, second, third = (registry.register(bundle(content)) for content in "abc")
    assert aliases(registry) == (None, None)
    registry.promote(first)
    assert aliases(registry) == (first, None)
    registry.promote(second)
    registry.promote(third)
    registry.promote(third)  # again: nothing changes
    assert aliases(registry) == (third, second)
    assert registry.rollback() == second
    assert aliases(registry) == (second, None)
    with pytest.raises(BadInput, match="no earlier champion to go back to"):
        registry.rollback()


def aliases(registry: Registry) -> tuple[Version | None, Version | None]:
    return registry.champion(), registry.previous_champion()


@pytest.mark.parametrize(("change", "complaint"), [("text", "expected sha256"), ("absence", "missing")])
def test_a_champion_whose_manifest_was_changed_is_not_used(registry, root, bundle, change, complaint) -> None:
    registry.promote(registry.register(bundle("a")))
    champion = champion_bundle(None, root)
    assert champion is not None
    manifest = champion.folder / "manifest.json"
    text = manifest.read_text()
    manifest.unlink()
    if change == "text":
        manifest.write_text(text.replace("lightgbm_text", "joblib"))
    with pytest.raises(BadInput, match=complaint):
        champion_bundle(None, root)


def test_asking_a_new_root_for_its_champion_makes_no_store(tmp_path: Path) -> None:
    assert champion_bundle(None, str(tmp_path / "new")) is None
    with pytest.raises(BadInput, match="no earlier champion"):
        Registry(str(tmp_path / "new")).rollback()
    assert not (tmp_path / "new").exists()


def test_a_root_that_is_a_uri_needs_a_tracking_uri(root: str) -> None:
    with pytest.raises(BadInput, match="expected --tracking-uri"):
        Registry("hdfs://cluster/lake")
    assert Registry("hdfs://cluster/lake", f"sqlite:///{root}/mlflow.db").champion() is None


def test_a_tracking_uri_that_mlflow_does_not_take_is_one_line(root: str) -> None:
    with pytest.raises(BadInput, match=r"^--tracking-uri gopher://x: .+") as error:
        Registry(root, "gopher://x").champion()
    assert "\n" not in str(error.value)
