"""The Spark session of a job, the same under ``python -m`` and ``spark-submit``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from features.some_campaigns import MOST_NAMED
from jobs.errors import BadInput
from jobs.shuffle_partitions import BYTES, BYTES_EACH, FEWEST, PARTITIONS

DEFAULTS = {
    "spark.master": "local[*]",
    "spark.driver.memory": "4g",
    # wide rows make huge methods: compile them, but none that would keep the compiler busy for half a second, and keep
    # room for all of them: Java breaks when that is full
    "spark.driver.extraJavaOptions": "-XX:-DontCompileHugeMethods -XX:MaxNodeLimit=20000 "
    "-XX:ReservedCodeCacheSize=512m -XX:+UseParallelGC",
    PARTITIONS: str(FEWEST),  # and more as the data asks for them, see jobs.shuffle_partitions
    "spark.sql.requireAllClusterKeysForCoPartition": "false",  # rows parted by user stay so in a join of pairs
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "512",  # a job to list 42 days is slower than listing
    "spark.sql.adaptive.maxShuffledHashJoinLocalMapThreshold": "16m",  # no sorting where a partition fits in memory
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "16m",  # small partitions are put together to no more
    "spark.sql.optimizer.dynamicPartitionPruning.enabled": "false",  # days are named when read; plans take seconds less
    "spark.sql.parquet.pushdown.inFilterThreshold": str(MOST_NAMED),  # looked for by name, not by range
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "65536",  # lists without sorting
    "spark.sql.codegen.cache.maxEntries": "1000",  # a night makes eight hundred classes; none is compiled twice
    "spark.sql.inMemoryColumnarStorage.compressed": "false",  # sizing up codecs takes longer than it saves
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",  # no chmod process for each file
    "spark.sql.execution.arrow.maxBytesPerBatch": "2147483647",  # no sizing of all columns after each row
    "spark.python.sql.dataFrameDebugging.enabled": "false",  # no look for IPython with each column
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""Used where neither ``spark-submit`` nor ``--spark-conf`` says otherwise."""

REQUIRED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
"""The code relies on these: UTC everywhere; a value that cannot be cast is null and goes to quarantine."""


def make_session(name: str, settings: Sequence[str] = ()) -> SparkSession:
    """Start (or join) the Spark session of a job.

    Parameters
    ----------
    name : str
        Application name.
    settings : sequence of str
        ``KEY=VALUE`` pairs that win over what ``spark-submit`` was given.

    Raises
    ------
    BadInput
        When a setting is not ``KEY=VALUE``.
    """
    conf = conf_of(settings)
    _point_to_this_python()
    for logger in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        PySparkLogger.getLogger(logger).disabled = True  # prints each exception a second time, as JSON
    builder = SparkSession.builder.appName(name)
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def conf_of(settings: Sequence[str]) -> dict[str, str]:
    """Give all of a session's settings; a number of shuffle partitions that somebody chose does not follow the data."""
    chosen = {**_submitted(), **dict(_key_value(setting) for setting in settings)}
    followed = {} if PARTITIONS in chosen else {BYTES_EACH: BYTES}
    return {**DEFAULTS, **followed, **chosen, **REQUIRED}


def _key_value(setting: str) -> tuple[str, str]:
    key, equals, value = setting.partition("=")
    if not equals or not key.startswith("spark."):
        raise BadInput(f"--spark-conf: expected spark.KEY=VALUE, got {setting!r}")
    return key, value


def _point_to_this_python() -> None:
    """Make Python workers use this interpreter, and find the Java that set-up may have put beside it."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    beside = Path(sys.executable).parent
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None and (beside / "java").exists():
        os.environ["PATH"] = f"{beside}{os.pathsep}{os.environ.get('PATH', '')}"


def _submitted() -> dict[str, str]:
    """Read the settings that ``spark-submit`` was given; none when the JVM is not running yet."""
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return {}
    SparkContext._ensure_initialized()
    return dict(SparkConf().getAll())
