"""The same histories, rebuilt from all raw events: plain Spark SQL, and DuckDB on the same Parquet files.

What both rebuild, for the midnight that ends the day: counts by window, first days and last times of users, devices,
campaigns, pairs of user and campaign and of user and category, and of users in the app; and of how many campaigns and
categories a user was sent pushes. DuckDB also rebuilds ``BLOCKS`` and ``PRIORS`` of ``duck.blocks``, so
every column of the histories and priors that the product's night makes; what only that writes is in ``compared.ALONE``.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
from pyspark.sql import SparkSession

from jobs.lake import Lake
from tests.benchmarks.features.duck.blocks import BLOCKS, PRIORS, make_tables
from tests.benchmarks.features.duck.midnights import Midnights
from tests.benchmarks.features.histories import HISTORIES, Rebuilt, sums_of
from tests.benchmarks.features.nightly import DS

MIDNIGHT = DS + timedelta(days=1)
RAW = ("sends", "clicks", "app_events", "campaigns", "users", "devices")
ONE = Midnights(f"DATE '{MIDNIGHT}'")
THREADS = 2


def pushed(milliseconds: str) -> str:
    """Give SQL for sends and clicks as one stream; ``milliseconds`` is the dialect's function of a time."""
    return f"""
        SELECT p.*, c.category, greatest(p.ds, p.event_day) AS known FROM (
            SELECT ds, ds AS send_ds, user_id, device_id, campaign_id, CAST(sent_at AS DATE) AS event_day,
                   1 AS sends, 0 AS clicks, 0 AS dismissals,
                   {milliseconds}(sent_at) AS last_sent_ms, CAST(NULL AS BIGINT) AS last_clicked_ms
            FROM sends
            UNION ALL
            SELECT ds, send_ds, user_id, device_id, campaign_id, CAST(clicked_at AS DATE), 0, 1, 0, NULL,
                   {milliseconds}(clicked_at)
            FROM clicks WHERE is_first_click
        ) AS p LEFT JOIN campaigns AS c ON p.campaign_id = c.campaign_id
        WHERE event_day < DATE '{MIDNIGHT}'"""


def used(milliseconds: str) -> str:
    """Give SQL for app events."""
    return f"""
        SELECT user_id, event_name, CAST(occurred_at AS DATE) AS event_day, 1 AS events,
               greatest(ds, CAST(occurred_at AS DATE)) AS known,
               CAST(round(coalesce(duration_s, 0) * 1000) AS BIGINT) AS duration_ms,
               {milliseconds}(occurred_at) AS last_event_ms
        FROM app_events WHERE occurred_at < TIMESTAMP '{MIDNIGHT} 00:00:00'"""


def query(history: Rebuilt) -> str:
    """Give SQL, the same in both dialects, for one history as of the midnight."""
    since = {days: f"DATE '{MIDNIGHT - timedelta(days=days)}'" for days in history.windows}
    key, known = ", ".join(history.key), " AND ".join(f"{name} IS NOT NULL" for name in history.key)
    return f"SELECT {key}, {sums_of(history, since)} FROM {history.source} WHERE {known} GROUP BY {key}"


def by_duckdb(
    files: Mapping[str, Sequence[str]],
    folder: Path,
    query_of: Callable[[Rebuilt], str] = query,
    midnights: Midnights = ONE,
) -> Path:
    """Rebuild with DuckDB into Parquet files: histories, ``BLOCKS`` and ``PRIORS``."""
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {THREADS}; SET TimeZone = 'UTC'; SET temp_directory = '{folder}/spill'")
        for table, of_table in files.items():
            connection.execute(
                f"CREATE VIEW {table} AS SELECT * FROM read_parquet({of_table!r}, hive_partitioning = true)"
            )
        connection.execute(f"CREATE VIEW pushed_rows AS {pushed('epoch_ms')}; CREATE VIEW used AS {used('epoch_ms')}")
        make_tables(connection, midnights)
        queries = {name: query_of(replace(history, distinct={})) for name, history in HISTORIES.items()}
        queries |= {name: block.query(midnights) for name, block in BLOCKS.items()} | PRIORS
        for name, query in queries.items():
            connection.execute(f"COPY ({query}) TO '{folder / name}.parquet'")
    return folder


def by_spark(spark: SparkSession, lake: Lake, folder: Path) -> Path:
    """Rebuild with plain Spark SQL into Parquet files; sends and clicks as one stream are kept for all histories."""
    for table in RAW:
        lake.read(table, until=DS).createOrReplaceTempView(table)
    spark.sql(pushed("unix_millis")).createOrReplaceTempView("pushed")
    spark.sql(used("unix_millis")).createOrReplaceTempView("used")
    for name, history in HISTORIES.items():
        spark.sql(query(history)).write.parquet(str(folder / name))
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
