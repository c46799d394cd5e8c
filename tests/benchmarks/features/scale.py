"""Time and memory of the features of a whole log, and of the training rows of 28 days, as logs become larger.

For each number of sends, each in a process of its own with two threads: the product rebuilds everything (it aggregates
all days and builds the features of the last night), then the histories of all sends of 28 days in one pass; DuckDB
rebuilds the histories and priors of both (see ``rebuild.py`` beside this one) from the same Parquet files. Logs have
95 days, and two app events for each send; they are written below --output, and kept.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from jobs import aggregate_day, build_features
from jobs.cli import at_least
from jobs.lake import Lake
from jobs.session import make_session
from models.machine import describe_machine
from tests.benchmarks.features import compared, rebuild, training_rows
from tests.benchmarks.features.logs import LogSize, write_log
from tests.benchmarks.features.nightly import DS, no_requests_before
from tests.benchmarks.features.promises import DUCKDB, GIB, SECONDS_A_ROW, verdict
from tests.benchmarks.memory import PeakMemory

LOG_DAYS = 95
SENDS_A_USER_DAY = 0.28
SETTINGS = [f"spark.master=local[{rebuild.THREADS}]", "spark.driver.memory=8g"]
MILLION = 1_000_000


def size_of(sends: int) -> LogSize:
    a_day = -(-sends // LOG_DAYS)
    return LogSize(LOG_DAYS, a_day, int(a_day / SENDS_A_USER_DAY))


def lake_of(folder: Path, sends: int) -> Lake:
    """Open the log's lake with a session; its raw tables are written unless they are there."""
    root, spark = folder / f"{sends}_sends", make_session("bench-features", SETTINGS)
    if not (root / "written").exists():
        write_log(spark, str(root), size_of(sends), DS)
        (root / "written").touch()
    return Lake(spark, str(root))


def timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        work()
    return time.monotonic() - started


def product(folder: Path, sends: int) -> dict[str, Any]:
    """Rebuild, and build 28 days; seconds and MiB."""
    lake = lake_of(folder, sends)

    def run(job: Any) -> None:
        job.run(lake._spark, job.arg_parser().parse_args(["--root", lake.root, "--ds", str(DS)]))

    def whole() -> None:
        run(aggregate_day)
        run(build_features)

    no_requests_before(lake)
    with PeakMemory() as peak:
        rebuilt = timed(whole)
    no_requests_before(lake, training_rows.FIRST)
    with PeakMemory() as of_training:
        training = timed(lambda: run(build_features))
    peaks = {name: (one.jvm, one.workers) for name, one in (("rebuild", peak), ("training", of_training))}
    return {"rebuild": rebuilt, "training": training, "MiB": peaks}


def duckdb(folder: Path, sends: int) -> dict[str, Any]:
    """Do DuckDB's part of both, and hold the product's rows against it."""
    lake, found, wrong = lake_of(folder, sends), {}, {}
    files = rebuild.raw_files(lake)
    kinds = (("rebuild", rebuild.query, rebuild.ONE), ("training", training_rows.query, training_rows.MANY))
    for name, query, midnights in kinds:
        with tempfile.TemporaryDirectory() as work:
            into = Path(work)
            found[name] = timed(partial(rebuild.by_duckdb, files, into, query, midnights))
            chosen = F.col("as_of") == F.lit(rebuild.MIDNIGHT) if name == "rebuild" else F.col("as_of") <= F.lit(DS)
            since = DS if name == "rebuild" else training_rows.FIRST
            wrong[name] = compared.differences(lake, into, since, DS, chosen)
            left = compared.not_rebuilt(lake, into)
    return {**found, "differ": wrong, "left": left, "MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def prepare(folder: Path, sends: int) -> dict[str, Any]:
    lake_of(folder, sends)
    return {}


def alone(folder: Path, sends: int, work: str) -> dict[str, Any]:
    """Do some work in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.features.scale", "--output", str(folder)]
    command += ["--sends", str(sends), "--only", work]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row_of(sends: int, ours: dict[str, Any], theirs: dict[str, Any], name: str) -> str:
    jvm, workers = ours["MiB"][name]
    per_million = ours[name] / (sends / MILLION)
    cells = [f"{sends / MILLION:.0f}", f"{ours[name]:.0f}", f"{per_million:.1f}", f"{jvm / 1024:.1f}",
             f"{workers / 1024:.1f}", f"{theirs[name]:.1f}", f"{ours[name] / theirs[name]:.1f}"]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.features.scale", description=__doc__)
    parser.add_argument("--output", required=True, type=Path, help="folder for the logs; those that are there are used")
    parser.add_argument("--sends", nargs="+", type=at_least(10_000), default=[MILLION, 5 * MILLION, 20 * MILLION])
    parser.add_argument("--only", choices=["prepare", "product", "duckdb"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    folder = args.output.absolute()
    if args.only:
        work = {"prepare": prepare, "product": product, "duckdb": duckdb}[args.only]
        print(json.dumps(work(folder, args.sends[0])))
        return
    rows: dict[str, list[str]] = {"rebuild": [], "training": []}
    a_row: dict[str, list[float]] = {name: [] for name in rows}
    for sends in args.sends:
        alone(folder, sends, "prepare")
        ours, theirs = alone(folder, sends, "product"), alone(folder, sends, "duckdb")
        for name, lines in rows.items():
            lines.append(row_of(sends, ours, theirs, name))
            a_row[name].append(ours[name] / sends)
            print(f"{name}: {lines[-1]}", file=sys.stderr, flush=True)
    print(describe_machine())
    for name, title in (
        ("rebuild", "everything, as of one midnight"),
        ("training", "sends of 28 days, each as of its own"),
    ):
        print(f"\n| million sends: {title} | s | s a million | JVM GiB | workers GiB | DuckDB s | times DuckDB |")
        print("|--:|--:|--:|--:|--:|--:|--:|", *rows[name], sep="\n")
    print(f"\nrows that differ from DuckDB's, with {sends:,} sends: {theirs['differ']}")
    print(f"{compared.left_out(theirs['left'])}\n")
    for name, seconds in a_row.items():
        print(verdict(f"{name} by DuckDB's", ours[name] / theirs[name], DUCKDB, sends))
        if len(seconds) > 1:
            growth = seconds[-1] / seconds[-2]
            print(verdict(f"{name}, seconds a row by those of the size before", growth, SECONDS_A_ROW, sends))
    print(verdict("training, GiB", sum(ours["MiB"]["training"]) / 1024, GIB, sends))


if __name__ == "__main__":
    main()
