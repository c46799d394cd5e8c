"""Time and memory of the features of a whole log, and of the training rows of 28 days, as logs become larger.

For each number of sends, each part in a process of its own with two threads: the product rebuilds everything (it
aggregates all days and builds the features of the last night), and DuckDB the same histories and priors from the same
Parquet files (see ``rebuild.py`` beside this one); then both the histories of all sends of 28 days in one pass. Logs
have 95 days, and two app events for each send; they are written below --output, and kept.
"""

from __future__ import annotations

import argparse
import io
import json
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
MILLION = 1_000_000
PARTS = {"rebuild": "everything, as of one midnight", "training": "sends of 28 days, each as of its own"}
HEAP = {"rebuild": "8g", "training": "4g"}
"""Of the JVM: the driver's that is promised, and what leaves the workers room within the memory that is promised."""
FIRST = {"rebuild": DS, "training": training_rows.FIRST}
"""The first day that a part asks about."""


def size_of(sends: int) -> LogSize:
    a_day = -(-sends // LOG_DAYS)
    return LogSize(LOG_DAYS, a_day, int(a_day / SENDS_A_USER_DAY))


def lake_of(folder: Path, sends: int, part: str) -> Lake:
    """Open the log's lake with a part's session; its raw tables are written unless they are there."""
    settings = [f"spark.master=local[{rebuild.THREADS}]", f"spark.driver.memory={HEAP[part]}"]
    root, spark = folder / f"{sends}_sends", make_session("bench-features", settings)
    if not (root / "written").exists():
        write_log(spark, str(root), size_of(sends), DS)
        (root / "written").touch()
    return Lake(spark, str(root))


def timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        work()
    return time.monotonic() - started


def product(folder: Path, sends: int, part: str) -> dict[str, Any]:
    """Rebuild, or build 28 days: seconds, and MiB of the JVM and the workers."""
    lake = lake_of(folder, sends, part)
    jobs = {"rebuild": (aggregate_day, build_features), "training": (build_features,)}[part]

    def work() -> None:
        for job in jobs:
            job.run(lake._spark, job.arg_parser().parse_args(["--root", lake.root, "--ds", str(DS)]))

    no_requests_before(lake, FIRST[part])
    with PeakMemory() as peak:
        seconds = timed(work)
    return {"s": seconds, "jvm": peak.jvm, "workers": peak.workers}


def duckdb(folder: Path, sends: int, part: str) -> dict[str, Any]:
    """Let DuckDB do the same, and hold the product's rows against its."""
    lake, midnight = lake_of(folder, sends, part), F.lit(rebuild.MIDNIGHT)
    query, midnights, asked = {
        "rebuild": (rebuild.as_of_midnight, rebuild.ONE, F.col("as_of") == midnight),
        "training": (training_rows.query, training_rows.MANY, F.col("as_of") < midnight),
    }[part]
    with tempfile.TemporaryDirectory() as work:
        into = Path(work)
        seconds = timed(partial(rebuild.by_duckdb, rebuild.raw_files(lake), into, query, midnights))
        differ = compared.differences(lake, into, FIRST[part], DS, asked)
        left = compared.not_rebuilt(lake, into)
    return {"s": seconds, "differ": differ, "left": left}


def prepare(folder: Path, sends: int, part: str) -> dict[str, Any]:
    lake_of(folder, sends, part)
    return {}


WORK = {"prepare": prepare, "product": product, "duckdb": duckdb}


def alone(folder: Path, sends: int, part: str, work: str) -> dict[str, Any]:
    """Do some work in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.features.scale", "--output", str(folder)]
    command += ["--sends", str(sends), "--parts", part, "--only", work]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row_of(sends: int, ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    millions = sends / MILLION
    cells = [f"{millions:.0f}", f"{ours['s']:.0f}", f"{ours['s'] / millions:.1f}", f"{ours['jvm'] / 1024:.1f}",
             f"{ours['workers'] / 1024:.1f}", f"{theirs['s']:.1f}", f"{ours['s'] / theirs['s']:.1f}"]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.features.scale", description=__doc__)
    parser.add_argument("--output", required=True, type=Path, help="folder for the logs; those that are there are used")
    parser.add_argument("--sends", nargs="+", type=at_least(10_000), default=[MILLION, 5 * MILLION, 20 * MILLION])
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS),
                        help="what to do, in this order; training asks for a log that was rebuilt")  # fmt: skip
    parser.add_argument("--only", choices=list(WORK), help=argparse.SUPPRESS)
    args = parser.parse_args()
    folder = args.output.absolute()
    if args.only:
        print(json.dumps(WORK[args.only](folder, args.sends[0], args.parts[0])))
        return
    rows: dict[str, list[str]] = {part: [] for part in args.parts}
    a_row: dict[str, list[float]] = {part: [] for part in args.parts}
    for sends in args.sends:
        alone(folder, sends, args.parts[0], "prepare")
        of_size = {}
        for part, lines in rows.items():
            ours, theirs = (alone(folder, sends, part, work) for work in ("product", "duckdb"))
            lines.append(row_of(sends, ours, theirs))
            a_row[part].append(ours["s"] / sends)
            of_size[part] = ours, theirs
            print(f"{part}: {lines[-1]}", file=sys.stderr, flush=True)
    print(describe_machine())
    for part, lines in rows.items():
        print(f"\n| million sends: {PARTS[part]} | s | s a million | JVM GiB | workers GiB | DuckDB s | times DuckDB |")
        print("|--:|--:|--:|--:|--:|--:|--:|", *lines, sep="\n")
    print()
    for part, (_, theirs) in of_size.items():
        print(f"{part}: rows that differ from DuckDB's, with {sends:,} sends: {theirs['differ']}")
    print(f"{compared.left_out(theirs['left'])}\n")
    for part, (ours, theirs) in of_size.items():
        print(verdict(f"{part} by DuckDB's", ours["s"] / theirs["s"], DUCKDB, sends))
        if len(a_row[part]) > 1:
            growth = a_row[part][-1] / a_row[part][-2]
            print(verdict(f"{part}, seconds a row by those of the size before", growth, SECONDS_A_ROW, sends))
        if part == "training":
            print(verdict("training, GiB", (ours["jvm"] + ours["workers"]) / 1024, GIB, sends))


if __name__ == "__main__":
    main()
