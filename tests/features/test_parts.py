"""Parts of files hold what Spark reads from them, whatever columns a file lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from features.ascending import Integers
from features.parts import fitting_buckets, parts_of_files
from features.whole_owners import over_buckets

DAY = date(2026, 3, 2)
CELLS = "user_id string, event_day date, sends long"


def test_files_give_what_spark_reads_from_them(spark: SparkSession, tmp_path: Path) -> None:
    cells = [("u", DAY, 1), ("é", date(2026, 3, 1), 2), ("", date(2026, 3, 5), 3), (None, DAY, 4)]
    spark.createDataFrame(cells, CELLS).coalesce(1).write.parquet(f"{tmp_path}/cells")
    read = spark.read.format("binaryFile").option("pathGlobFilter", "*.parquet").load(f"{tmp_path}/cells")
    files = read.select(F.lit(DAY).alias("ds"), "content")
    schema = "user_id string, known date, event_day date, sends long, dismissals long"
    like = spark.createDataFrame([], schema)
    parts = parts_of_files(files, like, ["user_id"], fitting_buckets(files))

    def look(tables: Sequence[pa.Table], _: Sequence[Integers]) -> Iterator[pa.RecordBatch]:
        yield from tables[0].to_batches()

    found = over_buckets([[parts]], ["user_id"], look, schema)
    assert sorted(found.collect()) == [
        Row(user_id="", known=date(2026, 3, 5), event_day=date(2026, 3, 5), sends=3, dismissals=None),
        Row(user_id="u", known=DAY, event_day=DAY, sends=1, dismissals=None),
        Row(user_id="é", known=DAY, event_day=date(2026, 3, 1), sends=2, dismissals=None),
    ]
