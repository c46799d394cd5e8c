"""What prune_lake removes, and what it must never remove."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.prune_lake import arg_parser, run
from jobs.registry import Registry, Version

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIRST = date(2026, 2, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(5)]


@pytest.fixture
def lake(spark: SparkSession, root: str) -> Lake:
    return Lake(spark, root)


def put(lake: Lake, table: str, *days: date) -> None:
    """Write one row a day, all days in one write."""
    rows = ", ".join(f"({day.day}, DATE '{day}')" for day in days)
    lake.write(table, lake._spark.sql(f"SELECT * FROM VALUES {rows} AS t(n, ds)"), days)


def put_folder(lake: Lake, name: str, tmp_path: Path, *days: date) -> None:
    local = tmp_path / "local"
    local.mkdir(exist_ok=True)
    (local / "file").write_text("content")
    for day in days:
        lake.put_folder(name, day, local)


def prune(spark: SparkSession, lake: Lake, *, days: int = 2, versions: int = 2, until: date | None = None) -> None:
    arguments = ["--root", lake.root, "--keep-days", str(days), "--keep-versions", str(versions)]
    run(spark, arg_parser().parse_args(arguments + (["--ds", str(until)] if until else [])))


def files(lake: Lake, table: str) -> list[str]:
    """Name the partition of each file."""
    root = Path(lake.root, table)
    return sorted(path.parent.name for path in (*root.rglob("*.parquet"), *root.rglob("file")))


@pytest.fixture
def publish(lake: Lake, tmp_path: Path, put_bundle: Callable[..., Path]) -> Callable[[date], Version]:
    def call(ds: date) -> Version:
        folder = tmp_path / f"bundle of {ds}"
        registry = Registry(lake.root)
        version = registry.register(put_bundle(folder, content=str(ds), ds=str(ds), measures={"name": "forest"}))
        registry.promote(version)
        return version

    return call


def test_tables_keep_their_newest_days(spark: SparkSession, lake: Lake) -> None:
    put(lake, "sends", *DAYS)
    put(lake, "sends", DAYS[4])  # written again: the first write still holds the fourth day
    put(lake, "scores", DAYS[0], DAYS[3])
    put(lake, "codes/old", DAYS[0], DAYS[1])
    prune(spark, lake)
    assert lake.days("sends") == DAYS[3:]
    assert files(lake, "sends") == [f"ds={day}" for day in DAYS[3:]]
    assert sorted(row.n for row in lake.read("sends").collect()) == [4, 5]
    assert lake.days("scores") == [DAYS[3]]
    assert not Path(lake.root, "codes", "old").exists()


def test_what_features_remember_stays_whole(spark: SparkSession, lake: Lake) -> None:
    put(lake, "devices", DAYS[0], DAYS[1])
    put(lake, "devices", DAYS[1])
    summed = ("push_partials", "bot_flags")
    for table in summed:
        put(lake, table, *DAYS)
    prune(spark, lake, days=1)
    assert lake.days("devices") == DAYS[:2]
    assert [lake.days(table) for table in summed] == [DAYS, DAYS]
    assert sorted(row.n for row in lake.read("devices").collect()) == [1, 2]
    assert len(list(Path(lake.root, "devices").rglob("*.parquet"))) == 2  # the day that was written again is gone


def test_days_are_counted_back_from_ds(spark: SparkSession, lake: Lake) -> None:
    put(lake, "sends", *DAYS)
    prune(spark, lake, until=DAYS[3])
    assert lake.days("sends") == DAYS[2:]
    prune(spark, lake, until=DAYS[3])  # again: nothing left to do
    assert lake.days("sends") == DAYS[2:]


def test_artefacts_keep_their_newestversions(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    put_folder(lake, "embeddings", tmp_path, *DAYS[:3])
    put_folder(lake, "embeddings", tmp_path, DAYS[2])
    put(lake, "sends", DAYS[4])
    prune(spark, lake)
    assert lake.days("embeddings") == DAYS[1:3]
    assert files(lake, "embeddings") == [f"ds={day}" for day in DAYS[1:3]]


def test_the_champion_and_the_one_before_stay(
    spark: SparkSession, lake: Lake, publish: Callable[[date], Version]
) -> None:
    put(lake, "sends", *DAYS)
    versions = [publish(day) for day in DAYS]
    registry = Registry(lake.root)
    registry.promote(versions[0])
    registry.promote(versions[1])
    prune(spark, lake, versions=1)
    left = Registry(lake.root)
    assert left.versions() == [versions[4], versions[1], versions[0]]
    assert (left.champion(), left.previous_champion()) == (versions[1], versions[0])
    assert all(left.bundle(version).folder.exists() for version in left.versions())
    assert len(list(Path(lake.root, "mlartifacts").rglob("manifest.json"))) == 3
    assert left.rollback() == versions[0]


def test_runs_of_days_that_are_still_measured_stay(
    spark: SparkSession, lake: Lake, tmp_path: Path, publish: Callable[[date], Version]
) -> None:
    put_folder(lake, "measured", tmp_path, DAYS[0])
    for day in DAYS[:4]:
        publish(day)
    prune(spark, lake, versions=1)
    runs = [run.data.tags["ds"] for run in Registry(lake.root).tracking.runs()]
    assert sorted(runs) == [str(DAYS[0]), str(DAYS[2]), str(DAYS[3])]


def test_a_folder_that_is_no_lake_is_bad_input(spark: SparkSession, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    with pytest.raises(BadInput, match="expected a lake"):
        prune(spark, Lake(spark, str(absent)))
    assert not absent.exists()
