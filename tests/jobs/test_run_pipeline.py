"""The whole chain on a small simulated log: what it writes, and that it writes the same again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import ingest_logs, publish_model, run_pipeline, score_users, train_embedding
from jobs.embedding import read_manifest
from jobs.errors import BadInput, Refused
from jobs.lake import Lake
from jobs.last_embedding import last_embedding
from jobs.log_note import read_note
from jobs.registry import champion_bundle
from models.autoencoder.topk import TopKAutoencoder
from tests.browser import PHONE, needs_browser, used
from tests.quick_java import QUICK_JAVA

DS = date(2026, 1, 24)
PARTS = "--holdout-days 4 --validation-days 4"
REPOSITORY = Path(__file__).parents[2]
LENIENT = REPOSITORY / "tests" / "lenient_gates.toml"
TABLES = ("sends", "clicks", "push_partials", "app_partials", "requests", "training_set", "scores", "quarantine")
TIMES = {
    "latency_us", "engine_latency_us", "batch_rows_per_s", "batch_rows_per_s_by_size", "fit_seconds", "load_ms",
    "cold_first_score_ms", "peak_rss_bytes", "peak_rss_over_numpy_bytes", "machine", "pareto", "engine",
}  # fmt: skip
"""What a run measures of time and memory, the front that p99 has a part in, and the engine that was the fastest."""

pytestmark = pytest.mark.slow


def run(spark: SparkSession, words: str) -> None:
    args = run_pipeline.arg_parser().parse_args(words.split())
    args.latency_rows = 500
    run_pipeline.run(spark, args)


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    root = str(tmp_path_factory.mktemp("pipeline"))
    sizes = "--users 400 --days 24 --sends 9000"
    run(spark, f"--root {root} --simulate {sizes} {PARTS} --gates {LENIENT}")
    return root


@pytest.fixture
def other_partitions(spark: SparkSession) -> Iterator[None]:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "7")
    yield
    spark.conf.set("spark.sql.shuffle.partitions", str(before))


def metrics(root: str) -> dict[str, Any]:
    text = Path(root, "reports", f"ds={DS}", "metrics.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def without_engines(figures: dict[str, Any]) -> dict[str, Any]:
    """Take the fastest engine's name, which the manifest has, off the bytes that are served."""
    engines = {candidate["name"]: candidate["engine"] for candidate in figures["candidates"]}
    for candidate in figures["candidates"]:
        candidate["artifact_bytes"]["serving"] -= len(engines[candidate["name"]])
    for gate in figures["gates"]:
        if gate["rule"] == "max_serving_bytes":
            gate["value"] -= len(engines[gate["candidate"]])
    return figures


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        timed = value.get("rule", "").startswith("max_latency")
        return {k: without_times(v) for k, v in value.items() if k not in TIMES and not (timed and k == "value")}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def contents(spark: SparkSession, root: str, tables: Iterable[str] = TABLES) -> dict[str, list[str]]:
    lake = Lake(spark, root)
    return {
        table: sorted(row["j"] for row in lake.read(table).selectExpr("to_json(struct(*)) j").collect())
        for table in tables
    }


TAP_ALL = """
document.querySelector("iframe").onload = ({ target }) => {
  const page = target.contentDocument;
  const said = {};
  for (const figure of page.querySelectorAll(".reacts")) {
    said[figure.querySelector("h3").textContent] = tap(target, figure.querySelector(".mark"));
  }
  const loaded = target.contentWindow.performance.getEntriesByType("resource").map((one) => one.name);
  document.title = JSON.stringify({ width: page.documentElement.scrollWidth, said, loaded, text: page.body.innerText });
};
"""
"""Taps a mark of each picture."""


@needs_browser
def test_the_page_of_a_run_is_usable_on_a_phone(root: str, tmp_path: Path) -> None:
    found = used(Path(root, "reports", f"ds={DS}", "report.html"), TAP_ALL, tmp_path)
    assert found["width"] <= PHONE
    assert found["loaded"] == []
    assert {"Quality against size", "Latency, most and slowest", "Share of clicks kept"} <= set(found["said"])
    assert not [said for said in found["said"].values() if said.startswith("Tap or point")]
    assert metrics(root)["champion"] in found["text"]
    assert not re.search(r"undefined|\bNaN\b|\bNone\b|\bnan\b", found["text"])


def test_what_a_run_leaves(spark: SparkSession, root: str) -> None:
    found = metrics(root)
    assert (found["ds"], found["published"]) == (str(DS), True)
    assert found["rows"]["holdout"] > 500
    assert {c["name"] for c in found["candidates"]} >= {
        "logistic",
        "random_forest",
        "histogram_forest",
        "lightgbm",
        "lightgbm_no_embedding",
    }
    assert found["simulator"]["true_auc"] > 0.6
    champion = champion_bundle(None, root)
    assert champion is not None
    assert found["champion"] == champion.version.bundle_version
    report = Path(root, "reports", f"ds={DS}")
    assert 'href="features.md"' in (report / "report.html").read_text()
    catalogue = (report / "features.md").read_text()
    columns = Lake(spark, root).get_json("training_set_meta", DS)["schema"]["features"]
    assert all(f"| `{feature['name']}` |" in catalogue for feature in columns)
    scores = Lake(spark, root).read("scores")
    assert scores.columns[:7] == [
        "user_id",
        "device_id",
        "campaign_id",
        "send_at",
        "p_click",
        "model_version",
        "embedding_version",
    ]
    assert scores.where("p_click IS NULL OR p_click < 0 OR p_click > 1").isEmpty()
    assert scores.select("user_id", "campaign_id").distinct().count() == scores.count()


def test_published_bytes_are_the_measured_bytes(spark: SparkSession, root: str) -> None:
    champion = champion_bundle(None, root)
    assert champion is not None
    measured = Lake(spark, root).get_folder("measured", DS) / champion.version.candidate
    files = {path.relative_to(measured) for path in measured.rglob("*") if path.is_file()}
    assert files
    assert all((measured / name).read_bytes() == (champion.folder / name).read_bytes() for name in files)


@pytest.mark.usefixtures("other_partitions")
def test_again_and_with_other_partitions_all_is_the_same(spark: SparkSession, root: str, tmp_path: Path) -> None:
    tables, figures = contents(spark, root), without_times(without_engines(metrics(root)))
    run(
        spark,
        f"--root {tmp_path} --ds {DS} --mapping simulator --input {root}/simulated_logs {PARTS} --gates {LENIENT}",
    )
    assert contents(spark, str(tmp_path)) == tables
    other = without_times(without_engines(metrics(str(tmp_path))))
    assert {k: v for k, v in other.items() if k != "simulator"} == {
        k: v for k, v in figures.items() if k != "simulator"
    }


def test_an_embedding_learns_clicks_and_goes_on_from_the_last_one(
    spark: SparkSession, root: str, tmp_path: Path
) -> None:
    shutil.copytree(root, tmp_path / "lake", ignore=shutil.ignore_patterns("simulated_logs", "mlartifacts", "scores"))
    lake, before = Lake(spark, str(tmp_path / "lake")), DS - timedelta(days=1)
    words = (
        f"--root {lake.root} --ds {DS} {PARTS} --click-weight 0.3 --warm-start --max-epochs 3 --max-tokens 60".split()
    )
    with pytest.raises(BadInput, match="got 0 with 0 clicked; a smaller --train-days leaves more"):
        train_embedding.run(spark, train_embedding.arg_parser().parse_args(words))
    args = train_embedding.arg_parser().parse_args([*words, "--train-days", "4"])
    with pytest.raises(BadInput, match=f"expected an embedding of a day before {DS}"):
        train_embedding.run(spark, args)

    last = lake.get_folder("embeddings", DS)
    lake.put_folder("embeddings", before, last)
    train_embedding.run(spark, args)
    manifest = read_manifest(lake.get_folder("embeddings", DS))
    assert manifest["version"] != read_manifest(last)["version"]
    assert manifest["click_weight"] == 0.3
    since = manifest["since_last"]
    assert (since["from"], since["warm"]) == (read_manifest(last)["version"], True)
    assert since["shared_tokens"] == manifest["n_tokens"]
    assert 0.7 < since["matched_cosine"] < 1
    with pytest.raises(BadInput, match=f"--warm-start from {before}: .* got TopKAutoencoder of 9 latents"):
        last_embedding(lake, read_note(lake, DS), DS, TopKAutoencoder(n_latents=9), [], warm=True)


def test_a_killed_ingest_leaves_nothing_half_written(spark: SparkSession, root: str, tmp_path: Path) -> None:
    mapping = tmp_path / "two_tables.toml"
    shipped = (REPOSITORY / "jobs" / "mappings" / "simulator.toml").read_text()
    mapping.write_text(shipped.partition("[app_events]")[0].replace("max_users_a_device = 100\n", ""))
    lake = Lake(spark, str(tmp_path / "lake"))
    words = f"--root {lake.root} --ds {DS} --mapping {mapping} --input {root}/simulated_logs"
    quick = ("--spark-conf", "spark.driver.memory=1g", "--spark-conf", f"spark.driver.extraJavaOptions={QUICK_JAVA}")
    command = [sys.executable, "-m", "jobs.ingest_logs", *words.split(), *quick]
    job = subprocess.Popen(command, cwd=REPOSITORY, start_new_session=True, stderr=subprocess.DEVNULL)
    while job.poll() is None and not list(tmp_path.glob("lake/*/write=*/**/*.parquet")):
        time.sleep(0.01)
    os.killpg(job.pid, signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL, "killed while it wrote"
    assert lake.days("ingest_counts") == []
    ingest_logs.run(spark, ingest_logs.arg_parser().parse_args(words.split()))
    ingested = ("sends", "clicks")
    assert contents(spark, lake.root, ingested) == contents(spark, root, ingested)


def test_a_refusal_keeps_the_champion_and_scoring_goes_on(spark: SparkSession, root: str, tmp_path: Path) -> None:
    before = champion_bundle(None, root)
    gates = tmp_path / "gates.toml"
    gates.write_text(LENIENT.read_text().replace("min_holdout_rows = 10", "min_holdout_rows = 1_000_000"))
    words = f"--root {root} --ds {DS} --gates {gates}"
    with pytest.raises(Refused, match=r"min_holdout_rows.*1,?000,?000"):
        publish_model.run(spark, publish_model.arg_parser().parse_args(words.split()))
    assert champion_bundle(None, root) == before
    score_users.run(spark, score_users.arg_parser().parse_args(f"--root {root} --ds {DS} --top 3".split()))
    scores = Lake(spark, root).read("scores")
    assert {row["count"] for row in scores.groupBy("campaign_id").count().collect()} == {3}


def test_what_is_missing_is_said_before_anything_runs(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="expected --mapping, or --simulate"):
        run(spark, f"--root {tmp_path}/lake --ds {DS}")
    with pytest.raises(BadInput, match=r"none\.toml"):
        run(spark, f"--root {tmp_path}/lake --simulate --gates none.toml")
    assert not (tmp_path / "lake").exists()


def test_every_job_gets_arguments_that_it_knows() -> None:
    args = run_pipeline.arg_parser().parse_args(["--root", "r", "--simulate", "--whole-report"])
    steps = run_pipeline.steps_of(args)
    for _, _, arguments in steps:
        assert isinstance(arguments, Namespace)
    assert [name for name, _, _ in steps[-4:]] == [
        "draw_learning_curve", "weigh_blocks", "describe_embedding", "report_models"
    ]  # fmt: skip


def test_a_seed_is_that_of_the_log() -> None:
    """Models that are learned from it have seeds of their own."""
    args = run_pipeline.arg_parser().parse_args(["--root", "r", "--simulate", "--seed", "3"])
    arguments = {name: given for name, _, given in run_pipeline.steps_of(args)}
    assert [arguments[job].seed for job in ("simulate_logs", "train_embedding", "train_click_models")] == [3, 0, 0]
    args = run_pipeline.arg_parser().parse_args(["--root", "r", "--mapping", "m", "--input", "i", "--seed", "0"])
    with pytest.raises(BadInput, match="expected --simulate, or no --seed, got 0"):
        run_pipeline.steps_of(args)
