"""On a small log DuckDB rebuilds the product's own rows, as of one midnight and of each send's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.lake import Lake
from tests.benchmarks.features import compared, rebuild, training_rows
from tests.benchmarks.features.logs import LogSize, write_log
from tests.benchmarks.features.nightly import DS, no_requests_before, run_jobs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Give a lake whose last 28 days were built in one pass; its first days are forgotten by the last midnights."""
    lake = write_log(spark, str(tmp_path_factory.mktemp("lake")), LogSize(100, 60, 100), DS)
    no_requests_before(lake, training_rows.FIRST)
    run_jobs(lake, DS)
    return lake


def test_as_of_one_midnight_no_row_differs(lake: Lake, tmp_path: Path) -> None:
    rebuild.by_duckdb(rebuild.raw_files(lake), tmp_path)
    of_night = F.col("as_of") == F.lit(rebuild.MIDNIGHT)
    assert set(compared.differences(lake, tmp_path, DS, DS, of_night).values()) == {0}


def test_spark_sql_rebuilds_the_same(lake: Lake, tmp_path: Path) -> None:
    rebuild.by_spark(lake._spark, lake, tmp_path)
    of_night = F.col("as_of") == F.lit(rebuild.MIDNIGHT)
    found = compared.differences(lake, tmp_path, DS, DS, of_night)
    assert {name: n for name, n in found.items() if n} == {}


def test_as_of_each_sends_midnight_no_row_differs_and_no_column_is_left_out(lake: Lake, tmp_path: Path) -> None:
    rebuild.by_duckdb(rebuild.raw_files(lake), tmp_path, training_rows.query, training_rows.MANY)
    of_sends = F.col("as_of") <= F.lit(DS)
    found = compared.differences(lake, tmp_path, training_rows.FIRST, DS, of_sends)
    assert {name: n for name, n in found.items() if n} == {}
    assert compared.not_rebuilt(lake, tmp_path) == {}
