"""How many partitions rows are shuffled into: few where tables are small, more where they are large.

Spark by itself only joins partitions, and every task writes a block for each of those it begins with: many of them take
longer than the work on little data. So they become more only when a session reads a table that asks for more.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from pyspark.sql import DataFrame

PARTITIONS = "spark.sql.shuffle.partitions"
BYTES_EACH = "spark.pushclick.bytesPerPartition"
"""Setting: how much of a table's files there is a partition for; not there where their number was chosen."""

BYTES = "16m"
"""What it is, unless somebody says otherwise."""

FEWEST, MOST = 8, 2000
"""Beyond ``MOST`` Spark knows sizes of partitions no longer exactly, by which it joins and splits them."""


def fit_partitions(rows: DataFrame) -> None:
    """Shuffle into more partitions from now on, in this session, where the files that rows are read from ask for it."""
    conf, java = rows.sparkSession.conf, rows.sparkSession.sparkContext._jvm
    each = conf.get(BYTES_EACH, None)
    if each is None or java is None:
        return
    size = java.org.apache.spark.network.util.JavaUtils.byteStringAsBytes(each)
    asked = min(ceil(_bytes_of(rows) / size), MOST)
    conf.set(PARTITIONS, max(asked, int(conf.get(PARTITIONS) or FEWEST)))


def _bytes_of(rows: DataFrame) -> int:
    """Give the size of the files, which Spark has listed; 0 for rows that are read from elsewhere."""
    read: Any = rows._jdf.queryExecution().analyzed().collectLeaves().head()
    size = int(read.stats().sizeInBytes())
    return 0 if size == read.conf().defaultSizeInBytes() else size
