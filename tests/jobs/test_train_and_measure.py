"""Candidates from a training set in the lake, measured on its hold-out beside the present champion."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import (
    champion_rows,
    draw_learning_curve,
    measure_models,
    train_click_models,
    training_routes,
    tune_click_models,
    weigh_blocks,
)
from jobs.barrier import fit_together
from jobs.errors import BadInput, Failed
from jobs.lake import Lake
from jobs.settings_file import read_candidates
from models.boosted_trees import BoostedTreesSettings
from models.bundle import artifact_bytes
from models.candidates import DEFAULT_CANDIDATES, CandidateSpec, candidates_for
from models.evaluation import auc
from models.random_forest import RandomForestSettings
from models.ranks import Ranks
from models.serving import Scorer
from models.serving.manifest import read_measures, sha256
from tests.two_executors import TWO_EXECUTORS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

REPOSITORY = Path(__file__).parents[2]
DS = date(2026, 2, 2)
PARTS = {"train": 1500, "validation": 800, "holdout": 800}
FEATURES = [("user_click_rate", "double"), ("platform", "string"), ("sends_7d", "bigint")]
SCHEMA = {
    "hash": "0123456789abcdef",
    "features": [
        {"name": name, "type": kind, "kind": "categorical" if kind == "string" else "numeric"}
        for name, kind in FEATURES
    ],
}
NAMES = sorted(spec.name for spec in DEFAULT_CANDIDATES)
EMBEDDING = {"version": "abcabcabcabc", "n_latents": 4, "fvu": 0.5, "l0": 2.0, "dead_fraction": 0.0}


def training_rows(spark: SparkSession) -> DataFrame:
    """Rows whose clicks follow a rate and latent 1; nothing of the hold-out is like the rest."""
    rng = np.random.default_rng(0)
    rows: list[tuple[Any, ...]] = []
    for part, n in PARTS.items():
        for index in range(n):
            rate, sends = float(rng.beta(2, 10)), int(rng.poisson(4))
            latents = sorted(rng.choice(4, 2, replace=False).tolist())
            p = min(1.5 * rate + 0.2 * (1 in latents), 1)
            user = f"{part} {rng.integers(n // 3)}"
            code = (latents, [0.5, 1.0]) if rng.random() < 0.9 else (None, None)
            features = (None if rng.random() < 0.1 else rate, str(rng.choice(["ios", "android"])), sends)
            rows.append((f"{part}-{index:05d}", user, DS, part, int(rng.random() < p), *features, *code, DS))
    columns = ", ".join(f"{name} {kind}" for name, kind in FEATURES)
    return spark.createDataFrame(
        rows,
        f"send_id string, user_id string, as_of date, part string, label int, {columns}, "
        "latents array<smallint>, latent_values array<float>, ds date",
    )


@pytest.fixture(scope="module")
def training_set(spark: SparkSession) -> DataFrame:
    return training_rows(spark).cache()


def fit_only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Fit fewer and smaller models: these tests are about the jobs."""
    small = {"random_forest": RandomForestSettings(n_trees=10), "lightgbm": BoostedTreesSettings(max_trees=30)}

    def specs(n_latents: int, given: Sequence[CandidateSpec]) -> list[CandidateSpec]:
        found = (spec for spec in candidates_for(n_latents, given) if spec.name in names or given != DEFAULT_CANDIDATES)
        return [replace(spec, settings=small.get(spec.settings.family, spec.settings)) for spec in found]

    monkeypatch.setattr(train_click_models, "candidates_for", specs)


@pytest.fixture(autouse=True)
def few_models(monkeypatch: pytest.MonkeyPatch) -> None:
    fit_only(monkeypatch, "logistic", "lightgbm")


@pytest.fixture
def lake(spark: SparkSession, root: str, training_set: DataFrame, tmp_path: Path) -> Lake:
    """A lake with the training set of a day and the embedding of its codes."""
    lake = Lake(spark, root)
    lake.write("training_set", training_set, [DS])
    parts = {part: {"rows": n, "clicks": n // 5} for part, n in PARTS.items()}
    lake.put_json("training_set_meta", DS, {"schema": SCHEMA, "embedding": EMBEDDING, "parts": parts})
    folder = tmp_path / "an embedding"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(EMBEDDING))
    (folder / "weights.safetensors").write_bytes(b"weights")
    lake.put_folder("embeddings", DS, folder)
    return lake


def arguments(job: Any, lake: Lake, *more: str) -> argparse.Namespace:
    args: argparse.Namespace = job.arg_parser().parse_args(["--root", lake.root, "--ds", str(DS), *more])
    return args


def train(spark: SparkSession, lake: Lake, *more: str) -> Path:
    train_click_models.run(spark, arguments(train_click_models, lake, "--threads", "1", *more))
    return lake.get_folder("candidates", DS)


def measure(spark: SparkSession, lake: Lake) -> tuple[Path, dict[str, Any]]:
    measure_models.run(spark, arguments(measure_models, lake, "--latency-rows", "200"))
    folder = lake.get_folder("measured", DS)
    return folder, json.loads((folder / "measures.json").read_text())


def learned_bytes(folder: Path) -> dict[str, bytes]:
    """Every byte but those of measures, which hold times, and of manifests, which hold their hash."""
    files = (
        path for path in folder.rglob("*") if path.is_file() and path.name not in ("manifest.json", "measures.json")
    )
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def become_champion(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Stand in for the registry: make a bundle the champion."""
    bundle = type("Bundle", (), {})()
    bundle.folder, bundle.manifest_sha256 = folder, sha256((folder / "manifest.json").read_bytes())
    monkeypatch.setattr(champion_rows, "champion_bundle", lambda _uri, _root: bundle)


def test_candidates_are_measured_as_they_will_serve(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_only(monkeypatch, *NAMES)
    trained = train(spark, lake)
    assert sorted(path.name for path in trained.iterdir() if path.is_dir()) == NAMES
    predictions = pq.read_table(trained / "validation_predictions.parquet")
    assert predictions.num_rows == PARTS["validation"]
    assert sorted(predictions.column_names) == sorted(["send_id", "user_id", "label", *NAMES])

    become_champion(monkeypatch, trained / "random_forest")
    folder, measures = measure(spark, lake)
    assert [entry["name"] for entry in measures["candidates"]] == NAMES
    assert measures["rows"] == {"train": 1500, "holdout": 800}
    assert measures["embedding"]["version"] == EMBEDDING["version"]
    assert measures["feature_schema_hash"] == SCHEMA["hash"]
    assert measures["simulator"] is None
    assert measures["choice"]["chosen"] in measures["choice"]["eligible"]
    assert set(measures["choice"]["reasons"]) == set(NAMES)
    assert min(measures["candidates"], key=lambda entry: entry["log_loss"])["name"] in measures["pareto"]
    again = next(entry for entry in measures["candidates"] if entry["name"] == "random_forest")
    assert again["artifact_bytes"]["onnx"] > again["artifact_bytes"]["compact"]
    for figure in ("version", "auc", "log_loss", "ece", "artifact_bytes"):
        assert measures["champion"][figure] == again[figure]
    for entry in measures["candidates"]:
        manifest = json.loads((folder / entry["name"] / "manifest.json").read_text())
        assert read_measures(folder / entry["name"], manifest) == entry
        assert artifact_bytes(manifest, entry) == entry["artifact_bytes"]  # as the next day will say of the champion
        assert entry["auc"] > 0.55
        assert entry["conversion_max_difference"] < 2e-5  # leaves have 16 bits
        assert entry["validation"]["excess_log_loss_upper"] >= 0
        assert {"p50", "p99", "n"} <= set(entry["latency_us"])
        assert [row["platform"] for row in entry["by_platform"]] == ["android", "ios"]
    features = {one["name"]: one for one in json.loads((folder / "feature_health.json").read_text())}
    assert list(features) == [name for name, _ in FEATURES]
    assert features["platform"]["trained"]["rows"] == PARTS["train"] + PARTS["validation"]
    assert features["user_click_rate"]["nulls"] == pytest.approx(0.1, abs=0.05)
    assert measures["drift"]["psi"]["value"] == max(one["psi"] for one in features.values()) < 0.1
    kept = {name: content for name, content in learned_bytes(trained).items() if "/" in name}
    assert {name: content for name, content in learned_bytes(folder).items() if "/" in name} == kept
    assert Scorer.load(folder / "lightgbm").manifest["version"] == version_of(trained / "lightgbm")


def version_of(bundle: Path) -> str:
    return str(json.loads((bundle / "manifest.json").read_text())["version"])


def test_the_same_day_again_gives_the_same_bytes(spark: SparkSession, lake: Lake, training_set: DataFrame) -> None:
    first = learned_bytes(train(spark, lake))
    lake.write("training_set", training_set.repartition(3), [DS])
    assert learned_bytes(train(spark, lake)) == first
    assert learned_bytes(train(spark, lake, "--seed", "1")) != first


def test_out_of_core_gives_the_same_boosted_trees(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_routes, "GROUP_ROWS", 200)
    expected = learned_bytes(train(spark, lake))
    found = learned_bytes(train(spark, lake, "--training", "out-of-core"))
    assert "logistic: left out" in capsys.readouterr().err
    kept = {name: content for name, content in expected.items() if name.startswith("lightgbm/")}
    assert {name: content for name, content in found.items() if "/" in name} == kept
    assert found["feature_profiles.json"] == expected["feature_profiles.json"]
    assert lake.storage.names(f"{lake.root}/ordered_rows") == []
    fit_only(monkeypatch, "logistic")
    with pytest.raises(BadInput, match="expected a candidate of lightgbm or histogram_forest"):
        train(spark, lake, "--training", "out-of-core")


def test_two_executors_fit_as_well_as_one_machine(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    """A cluster of two executors, in a process of its own: boosted trees are as good, the forest is the very same."""
    settings = tmp_path / "candidates.toml"
    settings.write_text(
        '[lightgbm]\nfamily = "lightgbm"\nmax_trees = 30\n\n[random_forest]\nfamily = "random_forest"\nn_trees = 10\n'
    )
    more = ("--settings", str(settings), "--threads", "1")
    alone = train(spark, lake, *more)
    confs = [f"--spark-conf={one}" for one in TWO_EXECUTORS]
    words = ["--root", lake.root, "--ds", str(DS), "--training", "spark", *more, *confs]
    job = subprocess.run(
        [sys.executable, "-m", "jobs.train_click_models", *words], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert job.returncode == 0, job.stderr
    assert "lightgbm: 2 ranks" in job.stderr
    assert "random_forest: 2 Spark tasks" in job.stderr
    together = lake.get_folder("candidates", DS)
    assert together != alone
    assert validation_auc(together, "lightgbm") == pytest.approx(validation_auc(alone, "lightgbm"), abs=0.02)
    assert validation_auc(together, "random_forest") == validation_auc(alone, "random_forest")
    assert version_of(together / "random_forest") == version_of(alone / "random_forest")
    profiles = "feature_profiles.json"
    assert (together / profiles).read_bytes() == (alone / profiles).read_bytes()


def test_more_ranks_than_tasks_at_a_time_are_bad_input(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(BadInput, match="expected 3 tasks at the same time, Spark runs 2"):
        train(spark, lake, "--training", "spark", "--ranks", "3")


def ill(*, early: bool) -> Callable[[Iterator[pa.RecordBatch]], Callable[[Ranks], str]]:
    """Make a rank's work that goes wrong, before ranks meet or while one waits for the other."""

    def prepare(batches: Iterator[pa.RecordBatch]) -> Callable[[Ranks], str]:
        for _ in batches:
            pass
        if early:
            raise ValueError("no rows\nto fit on")

        def fit(ranks: Ranks) -> str:
            if ranks.rank == 0:
                ranks.gather("never heard")
            raise OSError("out of luck")

        return fit

    return prepare


@pytest.mark.parametrize(
    ("early", "told"),
    [(True, "rank 0 of 2: ValueError: no rows to fit on"), (False, "rank 1 of 2: OSError: out of luck")],
)
def test_a_rank_that_fails_ends_the_others_with_one_line(spark: SparkSession, early: bool, told: str) -> None:
    with pytest.raises(Failed) as error:
        fit_together(spark.range(2).selectExpr("id send_id"), 2, "send_id", ill(early=early))
    assert str(error.value) == f"fitting by 2 ranks: {told}"


def validation_auc(folder: Path, candidate: str) -> float:
    predictions = pq.read_table(folder / "validation_predictions.parquet")
    return auc(predictions[candidate].to_numpy(), predictions["label"].to_numpy())


def test_a_changed_bundle_is_bad_input(spark: SparkSession, lake: Lake) -> None:
    trained = train(spark, lake)
    (trained / "lightgbm" / "model.joblib").write_bytes(b"tampered")
    with pytest.raises(BadInput, match=r"lightgbm/model\.joblib"):
        measure(spark, lake)


def test_codes_of_another_embedding_than_the_days_are_bad_input(
    spark: SparkSession, lake: Lake, tmp_path: Path
) -> None:
    other = tmp_path / "another"
    shutil.copytree(lake.get_folder("embeddings", DS), other)
    (other / "manifest.json").write_text(json.dumps({**EMBEDDING, "version": "another"}))
    lake.put_folder("embeddings", DS, other)
    with pytest.raises(BadInput, match="build_training_set"):
        train(spark, lake)


@pytest.fixture
def old_champion(spark: SparkSession, lake: Lake, tmp_path: Path) -> Callable[..., Path]:
    """Make a champion of another day: the lightgbm candidate with entries of its manifest and schema changed."""

    def make(*, embedding_version: str, features: list[dict[str, str]]) -> Path:
        folder = tmp_path / "champion"
        shutil.copytree(train(spark, lake) / "lightgbm", folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        schema = json.dumps({"hash": "old", "features": features}).encode()
        (folder / "schema.json").write_bytes(schema)
        manifest["files"]["schema.json"]["sha256"] = sha256(schema)
        (folder / "manifest.json").write_text(
            json.dumps({**manifest, "embedding_version": embedding_version, "version": "old"})
        )
        return folder

    return make


def test_a_champion_with_another_embedding_is_measured_with_its_own_codes(
    lake: Lake, old_champion: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = old_champion(embedding_version="old", features=SCHEMA["features"])
    become_champion(monkeypatch, champion)
    args = {"tracking_uri": None, "embedding_version": EMBEDDING["version"]}
    with pytest.raises(champion_rows.NotMeasurable, match="codes/old"):
        champion_rows.score_champion(lake, DS, **args)

    rows = lake.read("training_set")
    shifted = rows.selectExpr(
        "user_id", "as_of", "array(cast(1 as smallint)) latents", "array(cast(1 as float)) latent_values", "ds"
    )
    lake.write("codes/old", shifted.where("part = 'holdout'").distinct(), [DS])
    scored = champion_rows.score_champion(lake, DS, **args)
    assert scored is not None
    assert len(scored.rows) == PARTS["holdout"]
    assert {tuple(code) for code in scored.rows.batch["latents"]} == {(1,)}
    own = champion_rows.score_champion(lake, DS, tracking_uri=None, embedding_version="old")
    assert own is not None
    assert {tuple(code) for code in own.rows.batch["latents"] if code is not None} != {(1,)}


def test_a_champion_that_cannot_be_measured_is_said_so(
    spark: SparkSession, lake: Lake, old_champion: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [*SCHEMA["features"], {"name": "opens_7d", "type": "bigint", "kind": "numeric"}]
    become_champion(monkeypatch, old_champion(embedding_version=EMBEDDING["version"], features=gone))
    _, measures = measure(spark, lake)
    assert measures["champion"] == {"error": "the training set lacks features of the champion: opens_7d"}
    assert [entry["name"] for entry in measures["candidates"]] == ["lightgbm", "logistic"]


def test_no_champion_is_no_error(lake: Lake) -> None:
    assert champion_rows.score_champion(lake, DS, tracking_uri=None, embedding_version=None) is None


def test_a_learning_curve_is_drawn_on_the_same_hold_out(spark: SparkSession, lake: Lake) -> None:
    args = arguments(draw_learning_curve, lake, "--candidate", "logistic", "--threads", "1")
    draw_learning_curve.run(spark, args)
    curve = lake.get_json("learning_curve", DS)
    assert (curve["candidate"], curve["holdout_rows"]) == ("logistic", PARTS["holdout"])
    assert [point["share"] for point in curve["points"]] == [0.1, 0.25, 0.5, 1.0]
    assert curve["points"][-1]["rows"] == PARTS["train"] + PARTS["validation"]
    draw_learning_curve.run(spark, args)
    assert lake.get_json("learning_curve", DS) == curve


def test_what_tuning_finds_is_trained_with(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    """A tiny budget: what there is, then one proposal; and the same file from the study alone."""
    start, found, again = (tmp_path / name for name in ("start.toml", "found.toml", "again.toml"))
    start.write_text('[small]\nfamily = "lightgbm"\nmax_trees = 5\n')
    words = ("--candidate", "small", "--settings", str(start), "--threads", "1")
    for output, trials in ((found, "2"), (again, "1")):
        args = arguments(tune_click_models, lake, *words, "--trials", trials, "--output", str(output))
        tune_click_models.run(spark, args)
    assert again.read_text() == found.read_text()
    (spec,) = read_candidates(str(found))
    assert (spec.name, spec.settings.max_trees) == ("small", 5)

    train_click_models.run(spark, arguments(train_click_models, lake, "--settings", str(found)))
    assert [path.name for path in lake.get_folder("candidates", DS).iterdir() if path.is_dir()] == ["small"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--candidate", "svm"), "--candidate svm: expected one that 2026-02-02 has, which are lightgbm"),
        (("--output", "nowhere/found.toml"), "expected a folder to write found.toml to"),
        (("--settings", "nowhere.toml"), "settings file nowhere.toml: expected a readable TOML file"),
    ],
)
def test_bad_arguments_of_tuning_are_one_line(
    spark: SparkSession, lake: Lake, words: tuple[str, str], complaint: str
) -> None:
    args = arguments(tune_click_models, lake, "--output", "found.toml", *words)
    with pytest.raises(BadInput) as error:
        tune_click_models.run(spark, args)
    assert complaint in str(error.value)
    assert not Path("found.toml").exists()


def test_blocks_are_weighed_by_what_their_absence_costs(spark: SparkSession, lake: Lake) -> None:
    lake.put_json("ingest", DS, {"mapping": "m", "time_rules": {}, "tables": ["devices"]})
    args = arguments(weigh_blocks, lake, "--candidate", "logistic", "--threads", "1")
    weigh_blocks.run(spark, args)
    found = lake.get_json("block_weights", DS)
    assert (found["candidate"], found["holdout_rows"], found["whole"]["columns"]) == ("logistic", PARTS["holdout"], 7)
    # Of this training set's features the catalogue knows one only.
    assert [(one["block"], one["columns"]) for one in found["blocks"]] == [("device_state", 1), ("codes", 4)]
    weigh_blocks.run(spark, args)
    assert lake.get_json("block_weights", DS) == found
