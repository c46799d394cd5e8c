"""What prune_lake removes, and what it must never remove."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.prune_lake import arg_parser, run
from jobs.registry import Registry

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIRST = date(2026, 2, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(5)]


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"))


def put(lake: Lake, table: str, *days: date) -> None:
    """Write one row a day, all days at once; an artefact is the same to the lake, and quicker to make."""
    rows = ", ".join(f"({day.day}, DATE '{day}')" for day in days)
    lake.write(table, lake._spark.sql(f"SELECT * FROM VALUES {rows} AS t(n, ds)"), days)


def put_folder(lake: Lake, name: str, tmp_path: Path, *days: date) -> None:
    local = tmp_path / "local"
    local.mkdir(exist_ok=True)
    (local / "file").write_text("content")
    for day in days:
        lake.put_folder(name, day, local)


def prune(
    spark: SparkSession, lake: Lake, *, days: int = 2, versions: int = 2, until: date | None = None
) -> None:
    arguments = ["--root", lake.root, "--keep-days", str(days), "--keep-versions", str(versions)]
    run(spark, arg_parser().parse_args(arguments + (["--ds", str(until)] if until else [])))


def files(lake: Lake, table: str) -> set[str]:
    root = Path(lake.root, table)
    return {path.parent.name for path in root.rglob("*.parquet")} | {
        path.parent.name for path in root.rglob("file")
    }


def publish(lake: Lake, tmp_path: Path, ds: date) -> str:
    folder = tmp_path / f"bundle of {ds}"
    folder.mkdir()
    manifest = {
        name: "x" for name in ("family", "feature_schema_hash", "embedding_version", "serving_format")
    }
    manifest |= {
        "bundle_format": 1,
        "name": "lightgbm",
        "ds": str(ds),
        "version": f"hash{ds.day}",
        "files": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    registry = Registry(lake.root)
    version = registry.register(folder)
    registry.promote(version)
    return version.bundle_version


def test_tables_keep_their_newest_days(spark: SparkSession, lake: Lake) -> None:
    put(lake, "sends", *DAYS)
    put(lake, "sends", DAYS[4])  # written again: the first write still holds the fourth day
    put(lake, "scores", DAYS[0], DAYS[3])
    put(lake, "codes/old", DAYS[0], DAYS[1])
    prune(spark, lake)
    assert lake.days("sends") == DAYS[3:]
    assert files(lake, "sends") == {f"ds={day}" for day in DAYS[3:]}
    assert len(list(Path(lake.root, "sends").rglob("*.parquet"))) == 2
    assert sorted(row.n for row in lake.read("sends").collect()) == [4, 5]
    assert lake.days("scores") == [DAYS[3]]
    assert not Path(lake.root, "codes", "old").exists()


def test_what_features_remember_stays_whole(spark: SparkSession, lake: Lake) -> None:
    put(lake, "devices", DAYS[0], DAYS[1])
    put(lake, "devices", DAYS[1])
    put(lake, "push_partials", *DAYS)
    prune(spark, lake, days=1)
    assert lake.days("devices") == DAYS[:2]
    assert lake.days("push_partials") == DAYS
    assert sorted(row.n for row in lake.read("devices").collect()) == [1, 2]
    assert (
        len(list(Path(lake.root, "devices").rglob("*.parquet"))) == 2
    )  # the day that was written again is gone


def test_days_are_counted_back_from_ds(spark: SparkSession, lake: Lake) -> None:
    put(lake, "sends", *DAYS)
    prune(spark, lake, until=DAYS[3])
    assert lake.days("sends") == DAYS[2:]
    prune(spark, lake, until=DAYS[3])  # again: nothing left to do
    assert lake.days("sends") == DAYS[2:]


def test_artefacts_keep_their_newest_versions(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    put_folder(lake, "embeddings", tmp_path, *DAYS[:3])
    put_folder(lake, "embeddings", tmp_path, DAYS[2])
    put(lake, "sends", DAYS[4])
    prune(spark, lake)
    assert lake.days("embeddings") == DAYS[1:3]
    assert len(list(Path(lake.root, "embeddings").rglob("file"))) == 2


def test_the_champion_and_the_one_before_stay(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    put(lake, "sends", *DAYS)
    versions = [publish(lake, tmp_path, day) for day in DAYS]
    registry = Registry(lake.root)
    registry.promote(registry._versions()[-1])  # back to the oldest by hand: the newest is the one before
    registry.promote(registry._versions()[-2])  # and then to the second: the oldest is the one before
    prune(spark, lake, versions=1)
    left = Registry(lake.root)
    assert {version.bundle_version for version in left._versions()} == {versions[0], versions[1], versions[4]}
    champion, before = left.champion(), left.previous_champion()
    assert champion is not None
    assert before is not None
    assert (champion.bundle_version, before.bundle_version) == (versions[1], versions[0])
    assert left.bundle(champion).folder.exists()
    assert left.bundle(before).folder.exists()
    assert len(list(Path(lake.root, "mlartifacts").rglob("manifest.json"))) == 3
    assert left.rollback() == before


def test_runs_of_days_that_are_still_measured_stay(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    put_folder(lake, "measured", tmp_path, DAYS[0])
    for day in DAYS[:4]:
        publish(lake, tmp_path, day)
    prune(spark, lake, versions=1)
    runs = [run.data.tags["ds"] for run in Registry(lake.root).tracking._runs()]
    assert sorted(runs) == [str(DAYS[0]), str(DAYS[2]), str(DAYS[3])]


def test_a_folder_that_is_no_lake_is_bad_input(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(BadInput, match="expected a lake"):
        prune(spark, lake)
    assert not Path(lake.root).exists()
