"""Partitions become more where large files are read, and stay where they were chosen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import session
from jobs.lake import Lake
from jobs.shuffle_partitions import BYTES, BYTES_EACH, FEWEST, MOST, PARTITIONS, fit_partitions

DAY = date(2026, 1, 1)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Iterator[Lake]:
    """A lake with a table of some kilobytes; afterwards the session is as before."""
    before = spark.conf.get(PARTITIONS)
    lake = Lake(spark, str(tmp_path))
    lake.write("t", spark.range(10_000).selectExpr("id", f"DATE'{DAY}' AS ds"), [DAY])
    yield lake
    spark.conf.unset(BYTES_EACH)
    spark.conf.set(PARTITIONS, str(before))


def partitions(spark: SparkSession, lake: Lake, each: int | None) -> int:
    """Read the table in a session that has a partition for so many bytes."""
    spark.conf.set(PARTITIONS, FEWEST)
    if each is not None:
        spark.conf.set(BYTES_EACH, each)
    assert lake.read("t").count() == 10_000
    return int(spark.conf.get(PARTITIONS) or 0)


def test_a_small_table_asks_for_no_more(spark: SparkSession, lake: Lake) -> None:
    assert partitions(spark, lake, 1 << 20) == FEWEST


def test_a_large_table_asks_for_as_many_as_its_bytes_and_small_ones_leave_them(spark: SparkSession, lake: Lake) -> None:
    size = sum(path.stat().st_size for path in Path(lake.root).rglob("*.parquet"))
    assert partitions(spark, lake, size // 20) in (20, 21)
    lake.write("small", spark.range(1).selectExpr("id", f"DATE'{DAY}' AS ds"), [DAY])
    lake.read("small")
    assert int(spark.conf.get(PARTITIONS) or 0) >= 20


def test_there_is_a_most(spark: SparkSession, lake: Lake) -> None:
    assert partitions(spark, lake, 1) == MOST


def test_a_chosen_number_stays(spark: SparkSession, lake: Lake) -> None:
    assert partitions(spark, lake, None) == FEWEST


@pytest.mark.usefixtures("lake")
def test_rows_from_elsewhere_ask_for_nothing(spark: SparkSession) -> None:
    spark.conf.set(BYTES_EACH, 1)
    spark.conf.set(PARTITIONS, FEWEST)
    fit_partitions(spark.createDataFrame(spark.sparkContext.parallelize([(1,)]), "x int"))
    assert spark.conf.get(PARTITIONS) == str(FEWEST)


def test_who_names_a_number_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_submitted", dict)
    assert session.conf_of([])[BYTES_EACH] == BYTES
    assert BYTES_EACH not in session.conf_of([f"{PARTITIONS}=30"])
    monkeypatch.setattr(session, "_submitted", lambda: {PARTITIONS: "30"})
    assert (session.conf_of([])[PARTITIONS], BYTES_EACH in session.conf_of([])) == ("30", False)
