"""Two versions side by side: on the same hold-out where there is one, and the table says where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs import compare_models
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.registry import Registry

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SMALL = {"name": "logistic", "auc": 0.7, "auc_ci": [0.69, 0.71], "log_loss": 0.18, "artifact_bytes": {"serving": 5000}}
LARGE = {"name": "forest", "auc": 0.75, "auc_ci": [0.74, 0.76], "log_loss": 0.17, "artifact_bytes": {"serving": 20000}}


@pytest.fixture
def versions(root: str, tmp_path: Path, put_bundle: Callable[..., Path]) -> list[str]:
    """Publish a small version, then a large one; gives their hashes."""
    registry = Registry(root)
    for measures in (SMALL, LARGE):
        bundle = put_bundle(tmp_path / measures["name"], content=measures["name"], ds="2026-02-02", measures=measures)
        registry.promote(registry.register(bundle))
    return [version.bundle_version for version in reversed(registry.versions())]


def compare(spark: SparkSession, root: str, *names: str) -> None:
    compare_models.run(spark, compare_models.arg_parser().parse_args(["--root", root, *names]))


def put_measures(spark: SparkSession, root: str, folder: Path, day: date, *entries: dict[str, Any]) -> None:
    folder.mkdir()
    candidates, champion = list(entries[:1]), (*entries[1:], None)[0]
    (folder / "measures.json").write_text(json.dumps({"candidates": candidates, "champion": champion}))
    Lake(spark, root).put_folder("measured", day, folder)


def test_figures_are_those_of_the_newest_day_that_has_both(
    spark: SparkSession, root: str, tmp_path: Path, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    small, large = ({**one, "version": version} for one, version in zip((SMALL, LARGE), versions, strict=True))
    put_measures(spark, root, tmp_path / "1", date(2026, 2, 1), large, {**small, "auc": 0.1})
    put_measures(spark, root, tmp_path / "2", date(2026, 2, 2), {**large, "auc": 0.8}, small)
    put_measures(spark, root, tmp_path / "3", date(2026, 2, 3), {**large, "auc": 0.2})
    compare(spark, root, "previous_champion", "champion")
    table = capsys.readouterr().out
    assert f"| | logistic {versions[0]} | forest {versions[1]} | change |" in table
    assert "| AUC | 0.7000 | 0.8000 | +0.1000 |" in table
    assert "| log-loss | 0.18000 | 0.17000 | \N{MINUS SIGN}0.01000 |" in table
    assert "\N{MULTIPLICATION SIGN} 4 |" in table
    assert "hold-out of 2026-02-02" in table


def test_without_such_a_day_each_has_its_own_figures(
    spark: SparkSession, root: str, versions: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    compare(spark, root, "2", versions[0][:6])
    table = capsys.readouterr().out
    assert "| AUC | 0.7500 | 0.7000 | \N{MINUS SIGN}0.0500 |" in table
    assert "| latency p99 | \N{EN DASH} | \N{EN DASH} | \N{EN DASH} |" in table
    assert "Hold-outs may differ" in table


def test_a_name_that_no_version_has_is_one_line(spark: SparkSession, root: str, versions: list[str]) -> None:
    with pytest.raises(BadInput, match=f"version 'nine': expected one that is published, found 0.*{versions[0]}"):
        compare(spark, root, "champion", "nine")
    with pytest.raises(BadInput, match="found 2"):
        compare(spark, root, "champion", "")
