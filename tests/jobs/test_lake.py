from __future__ import annotations

import uuid
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from jobs.errors import BadInput
from jobs.lake import Lake

DAY, NEXT = date(2026, 1, 1), date(2026, 1, 2)


@pytest.fixture(params=["local", "hadoop"])
def lake(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> Lake:
    """A lake in the folder ``a lake``: by its path, or by a URI that Hadoop's view file system leads there."""
    if request.param == "local":
        return Lake(spark, str(tmp_path / "a lake"))
    name = uuid.uuid4().hex
    spark.sparkContext._jsc.hadoopConfiguration().set(f"fs.viewfs.mounttable.{name}.link./mount", f"file://{tmp_path}")
    return Lake(spark, f"viewfs://{name}/mount/a lake")


def rows(spark: SparkSession, *values: tuple[int, date]) -> DataFrame:
    return spark.createDataFrame(list(values), "x int, ds date")


def held(lake: Lake, **span: date) -> list[tuple[int, date]]:
    return sorted((row["x"], row["ds"]) for row in lake.read("t", **span).collect())


def test_a_day_is_replaced_whole_and_others_stay(spark: SparkSession, lake: Lake) -> None:
    lake.write("t", rows(spark, (1, DAY), (2, NEXT)), [DAY, NEXT])
    lake.write("t", rows(spark, (3, NEXT)), [NEXT])
    assert held(lake) == [(1, DAY), (3, NEXT)]
    assert held(lake, since=NEXT) == [(3, NEXT)]


def test_a_day_without_rows_is_an_empty_partition_with_its_schema(spark: SparkSession, lake: Lake) -> None:
    lake.write("t", rows(spark, (1, DAY)), [DAY, NEXT])
    assert lake.days("t") == [DAY, NEXT]
    empty = lake.read("t", since=NEXT)
    assert empty.columns == ["x", "ds"]
    assert empty.count() == 0


def test_a_write_without_its_pointer_is_not_seen(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    lake.write("t", rows(spark, (1, DAY)), [DAY])
    # what a job leaves that is killed between its rows and its pointer
    rows(spark, (9, DAY)).write.partitionBy("ds").parquet(f"{tmp_path}/a lake/t/write=killed")
    assert held(lake) == [(1, DAY)]


def test_files_that_workers_wrote_are_a_day_without_those_of_failed_attempts(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = Lake(spark, str(tmp_path))
    lake.write("t", rows(spark, (1, DAY), (2, NEXT)), [DAY, NEXT])

    def write(folder: Path) -> list[str]:
        for name in ("failed", "whole"):
            pq.write_table(pa.table({"x": pa.array([9], pa.int32())}), folder / f"{name}.parquet")
        return ["whole.parquet"]

    lake.write_files("t", StructType.fromDDL("x int"), DAY, write)
    assert held(lake) == [(2, NEXT), (9, DAY)]
    assert [path.name for path in tmp_path.glob(f"t/write=*/ds={DAY}/*hole*")] == ["whole.parquet"]
    assert not list(tmp_path.rglob("failed.parquet"))

    def broken(folder: Path) -> list[str]:
        write(folder)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        lake.write_files("t", StructType.fromDDL("x int"), DAY, broken)
    assert held(lake) == [(2, NEXT), (9, DAY)]


def test_a_missing_day_is_told_in_one_line(spark: SparkSession, lake: Lake) -> None:
    lake.write("t", rows(spark, (1, DAY)), [DAY])
    with pytest.raises(BadInput, match=r"table 't' in .* has no day 2026-01-02"):
        lake.read("t", since=NEXT, until=NEXT)
    with pytest.raises(BadInput, match="no 'models' of 2026-01-01"):
        lake.get_folder("models", DAY)


def test_artefacts_are_replaced(lake: Lake, tmp_path: Path) -> None:
    for content in ("old", "new"):
        folder = tmp_path / content
        folder.mkdir()
        (folder / "file").write_text(content)
        lake.put_folder("models", DAY, folder)
        lake.put_json("note", DAY, {"is": content})
    assert (lake.get_folder("models", DAY) / "file").read_text() == "new"
    assert lake.get_json("note", DAY) == {"is": "new"}
