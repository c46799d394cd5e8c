"""The job: what it finds in a lake, and the two files that it leaves."""

from __future__ import annotations

import argparse
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import report_models
from jobs.errors import BadInput
from jobs.ingest_counts import COUNTS, counts_frame
from jobs.lake import Lake
from jobs.report.metrics import Metrics

DS = date(2026, 2, 11)
DAY = timedelta(days=1)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path, measured: dict[str, Any], decision: dict[str, Any]) -> Lake:
    """A lake with what the job cannot do without."""
    lake = Lake(spark, str(tmp_path / "lake"))
    put_measures(lake, tmp_path, measured)
    lake.put_json("decision", DS, decision)
    return lake


def put_measures(lake: Lake, tmp_path: Path, measured: dict[str, Any], features: object = None, ds: date = DS) -> None:
    folder = tmp_path / "measured"
    folder.mkdir(exist_ok=True)
    if features is not None:
        (folder / "feature_health.json").write_text(json.dumps(features), encoding="utf-8")
    (folder / "measures.json").write_text(json.dumps(measured), encoding="utf-8")
    lake.put_folder("measured", ds, folder)


def report(
    spark: SparkSession, lake: Lake, ds: date = DS, embedding_comparison: str | None = None
) -> tuple[dict[str, Any], str]:
    report_models.run(
        spark,
        argparse.Namespace(
            root=lake.root,
            ds=ds,
            tracking_uri=None,
            drift_limit=0.25,
            embedding_comparison=embedding_comparison,
        ),
    )
    folder = Path(lake.root) / "reports" / f"ds={ds}"
    assert sorted(file.name for file in folder.iterdir()) == ["metrics.json", "report.html", "report.md"]
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return found, (folder / "report.html").read_text(encoding="utf-8")


def test_measures_and_decision_are_enough(spark: SparkSession, lake: Lake) -> None:
    found, page = report(spark, lake)
    assert found["ds"] == str(DS)
    assert found["chosen"] == "lightgbm"
    assert "Not available: no ingest counts were found." in page
    message = Path(lake.root, "reports", f"ds={DS}", "report.md").read_text(encoding="utf-8")
    assert message.startswith(f"**pushclick {DS} ✓ Published: lightgbm**")


def test_optional_parts_are_found(
    spark: SparkSession, lake: Lake, tmp_path: Path, measured: dict[str, Any], extras: dict[str, Any]
) -> None:
    put_measures(lake, tmp_path, measured, extras["features"])
    lake.put_json("training_set_meta", DS, extras["training_set"])
    lake.put_json("score_counts", DS, extras["audience"])
    lake.put_json("simulator_truth", DS, extras["simulator"])
    found, page = report(spark, lake)
    assert found["parts"]["holdout"]["rows"] == extras["training_set"]["parts"]["holdout"]["rows"]
    assert found["audience"]["left_out"] == extras["audience"]["left_out"]
    assert found["simulator"]["true_auc"] == 0.7812
    assert [one["name"] for one in found["features"]] == ["user_sends_all", "platform"]
    assert found["bots"] == {"min_reaction_ms": 1_204}
    assert "1,204 by min reaction ms" in page
    assert "a gap of 0.0421" in page


def test_a_comparison_of_embeddings_is_shown_until_another_is_given(
    spark: SparkSession,
    lake: Lake,
    tmp_path: Path,
    measured: dict[str, Any],
    decision: dict[str, Any],
    compared: dict[str, Any],
) -> None:
    nights = [DS - DAY, DS, DS + DAY, DS + 2 * DAY]
    for night in nights:
        put_measures(lake, tmp_path, measured | {"ds": str(night)}, ds=night)
        lake.put_json("decision", night, decision)
    given = {}
    for night, users in ((DS, 38_000), (DS + 2 * DAY, 50_000)):
        given[night] = tmp_path / f"{users}.json"
        given[night].write_text(json.dumps(compared | {"users": users}), encoding="utf-8")
    shown = [report(spark, lake, night, str(given[night]) if night in given else None)[0] for night in nights]
    found = [one["embedding_comparison"] and one["embedding_comparison"]["users"] for one in shown]
    assert found == [None, 38_000, 38_000, 50_000]
    assert report(spark, lake, DS + DAY)[0]["embedding_comparison"] == shown[1]["embedding_comparison"]


def test_ingest_counts_are_summed_up_to_the_day(spark: SparkSession, lake: Lake) -> None:
    counts = {
        "sends": {
            DS - DAY: {"accepted": 7, "duplicates": 2},  # an earlier day: counts
            DS: {"accepted": 5, "quarantined": 1},
            DS + DAY: {"accepted": 100},  # the day after: must not count
        }
    }
    lake.write(COUNTS, counts_frame(spark, counts), [DS - DAY, DS, DS + DAY])
    (sends,) = report(spark, lake)[0]["ingest"]
    assert sends == {
        "table": "sends",
        "read": 15,
        "accepted": 12,
        "quarantined": 1,
        "duplicates": 2,
        "not_yet_known": 0,
        "forgotten": 0,
    }


def test_campaigns_are_summed_up_from_the_scores_of_the_day(spark: SparkSession, lake: Lake) -> None:
    rows = [
        ("quiet", 0.01, DS),
        ("loud", 0.3, DS),
        ("loud", 0.1, DS),
        ("loud", 0.9, DS - DAY),  # another day's score: must not count
    ]
    scores = spark.createDataFrame(rows, "campaign_id string, p_click double, ds date")
    lake.write("scores", scores, [DS - DAY, DS])
    assert report(spark, lake)[0]["campaigns"] == [
        {"campaign_id": "loud", "scored": 2, "mean_p_click": 0.2, "max_p_click": 0.3},
        {"campaign_id": "quiet", "scored": 1, "mean_p_click": 0.01, "max_p_click": 0.01},
    ]


def test_history_comes_from_earlier_reports_and_skips_what_cannot_be_read(
    spark: SparkSession, lake: Lake, metrics: Metrics, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = f"{lake.root}/reports"
    for days in (-3, -1, 1):  # the last one is a later day: must not count
        past = metrics.model_copy(update={"ds": DS + days * DAY})
        lake.storage.replace_text(f"{reports}/ds={past.ds}/metrics.json", past.model_dump_json())
    lake.storage.replace_text(f"{reports}/ds={DS - 2 * DAY}/metrics.json", '{"ds": "half')
    page = report(spark, lake)[1]
    assert "3 runs; the last one is" in page
    assert f"ds={DS - 2 * DAY}/metrics.json is left out of the history" in capsys.readouterr().err


def test_the_same_day_again_gives_the_same_files(spark: SparkSession, lake: Lake) -> None:
    assert report(spark, lake) == report(spark, lake)


def test_without_a_decision_nothing_is_written(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "lake" / "decision" / f"ds={DS}.json").unlink()
    with pytest.raises(BadInput, match="decision"):
        report(spark, lake)
    assert not (tmp_path / "lake" / "reports").exists()


def test_a_day_that_was_not_measured_is_bad_input(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(BadInput, match="measured"):
        report(spark, lake, DS + DAY)


def test_measures_without_a_promised_key_are_one_line(
    spark: SparkSession, lake: Lake, tmp_path: Path, measured: dict[str, Any]
) -> None:
    del measured["candidates"][1]["latency_us"]["p99"]
    put_measures(lake, tmp_path, measured)
    with pytest.raises(BadInput, match=r"candidates\.1\.latency_us\.p99: field required$"):
        report(spark, lake)


def test_help_names_what_it_takes() -> None:
    assert "--tracking-uri" in report_models.arg_parser().format_help()
