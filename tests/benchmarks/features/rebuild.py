"""The same histories, rebuilt from all raw events: plain Spark SQL, and DuckDB on the same Parquet files.

Both rebuild every column of the histories and priors that the product's night makes, by the same queries, in DuckDB's
SQL or in Spark's (see ``spark_sql``); what only the product writes is in ``compared.ALONE``.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
from pyspark.sql import SparkSession

from jobs.lake import Lake
from tests.benchmarks.features.duck.blocks import BLOCKS, PRIORS, tables
from tests.benchmarks.features.duck.midnights import Midnights
from tests.benchmarks.features.histories import HISTORIES, Rebuilt, sums_of
from tests.benchmarks.features.nightly import DS
from tests.benchmarks.features.spark_sql import in_spark_sql

MIDNIGHT = DS + timedelta(days=1)
RAW = ("sends", "clicks", "app_events", "campaigns", "users", "devices")
ONE = Midnights(f"DATE '{MIDNIGHT}'")
THREADS = 2


PUSHED_ROWS = f"""
        SELECT p.*, c.category, greatest(p.ds, p.event_day) AS known FROM (
            SELECT ds, ds AS send_ds, user_id, device_id, campaign_id, CAST(sent_at AS DATE) AS event_day,
                   1 AS sends, 0 AS clicks, 0 AS dismissals,
                   epoch_ms(sent_at) AS last_sent_ms, CAST(NULL AS BIGINT) AS last_clicked_ms
            FROM sends
            UNION ALL
            SELECT ds, send_ds, user_id, device_id, campaign_id, CAST(clicked_at AS DATE), 0, 1, 0, NULL,
                   epoch_ms(clicked_at)
            FROM clicks WHERE is_first_click
        ) AS p LEFT JOIN campaigns AS c ON p.campaign_id = c.campaign_id
        WHERE event_day < DATE '{MIDNIGHT}'"""
"""Sends and clicks as one stream."""

USED = f"""
        SELECT user_id, event_name, CAST(occurred_at AS DATE) AS event_day, 1 AS events,
               greatest(ds, CAST(occurred_at AS DATE)) AS known,
               CAST(round(coalesce(duration_s, 0) * 1000) AS BIGINT) AS duration_ms,
               epoch_ms(occurred_at) AS last_event_ms
        FROM app_events WHERE occurred_at < TIMESTAMP '{MIDNIGHT} 00:00:00'"""
"""App events."""

VIEWS = {"pushed_rows": PUSHED_ROWS, "used": USED}


def as_of_midnight(history: Rebuilt) -> str:
    """Give SQL for one history as of the midnight."""
    since = {days: f"DATE '{MIDNIGHT - timedelta(days=days)}'" for days in history.windows}
    key, known = ", ".join(history.key), " AND ".join(f"{name} IS NOT NULL" for name in history.key)
    return f"SELECT {key}, {sums_of(history, since)} FROM {history.source} WHERE {known} GROUP BY {key}"


def queries(query_of: Callable[[Rebuilt], str], midnights: Midnights) -> dict[str, str]:
    """Give what is rebuilt, by name: histories, ``BLOCKS`` and ``PRIORS``, from ``duck.blocks.tables``."""
    histories = {name: query_of(history) for name, history in HISTORIES.items()}
    return histories | {name: block.query(midnights) for name, block in BLOCKS.items()} | PRIORS


def by_duckdb(
    files: Mapping[str, Sequence[str]],
    folder: Path,
    query_of: Callable[[Rebuilt], str] = as_of_midnight,
    midnights: Midnights = ONE,
) -> Path:
    """Rebuild with DuckDB into Parquet files."""
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {THREADS}; SET TimeZone = 'UTC'; SET temp_directory = '{folder}/spill'")
        for table, of_table in files.items():
            connection.execute(
                f"CREATE VIEW {table} AS SELECT * FROM read_parquet({of_table!r}, hive_partitioning = true)"
            )
        for name, view in VIEWS.items():
            connection.execute(f"CREATE VIEW {name} AS {view}")
        for table, query in tables(midnights).items():
            connection.execute(f"CREATE TEMP TABLE {table} AS {query}")
        for name, query in queries(query_of, midnights).items():
            connection.execute(f"COPY ({query}) TO '{folder / name}.parquet'")
    return folder


def by_spark(spark: SparkSession, lake: Lake, folder: Path) -> Path:
    """Rebuild with plain Spark SQL into Parquet files; what several queries read is cached."""
    for table in RAW:
        lake.read(table, until=DS).createOrReplaceTempView(table)
    for name, view in VIEWS.items():
        spark.sql(in_spark_sql(view)).createOrReplaceTempView(name)
    made = tables(ONE)
    for table, query in made.items():
        spark.sql(f"CACHE TABLE {table} AS {in_spark_sql(query)}")
    for name, query in queries(as_of_midnight, ONE).items():
        spark.sql(in_spark_sql(query)).write.parquet(f"{folder / name}.parquet")
    for table in made:
        spark.catalog.dropTempView(table)
    return folder


def timed(spark: SparkSession, lake: Lake, runs: int) -> Iterator[Mapping[str, float]]:
    """Time both in turns."""
    files = raw_files(lake)
    for _ in range(runs):
        seconds = {}
        for name in ("DuckDB", "Spark SQL"):
            with tempfile.TemporaryDirectory() as work:
                start = time.monotonic()
                by_duckdb(files, Path(work)) if name == "DuckDB" else by_spark(spark, lake, Path(work))
                seconds[name] = time.monotonic() - start
        yield seconds


def raw_files(lake: Lake) -> dict[str, list[str]]:
    """List the files of the raw tables, for DuckDB."""
    files = {table: sorted(lake.read(table, until=DS).inputFiles()) for table in RAW}
    return {table: [name.removeprefix("file:") for name in of_table] for table, of_table in files.items()}
