"""Users encoded a second by `encode_users`, and the memory that it takes, as users become more.

For each number of users: a lake with generated behaviour is written (see `behaviour_lake.py` beside this one), and then
a fresh process with a `local[2]` session runs the job on its audience. The embedding is the default one, learned from
10,000 users. Memory is resident memory, looked at ten times a second: the JVM, and all Python workers together; what
forked workers share is split between them (PSS). The JVM has touched its whole heap (--driver-memory) before it begins,
since it would grow to that before it collects. Flat: either takes at most a tenth more at the largest size than at the
smallest.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from jobs import encode_users
from jobs.behaviour_sample import sample_of
from jobs.lake import Lake
from jobs.session import DEFAULTS as SESSION
from jobs.session import make_session
from tests.benchmarks.embeddings.behaviour import N_TOKENS, behaviour_of
from tests.benchmarks.embeddings.behaviour_lake import DS, save_embedding, write_lake
from tests.benchmarks.embeddings.grid import default
from tests.benchmarks.memory import PeakMemory

FLAT = 1.1
LEARN_USERS = 10_000
JAVA = "spark.driver.extraJavaOptions"


def settings_of(driver_memory: str) -> list[str]:
    """Two cores, and a heap that is there from the start."""
    java = f"{SESSION[JAVA]} -Xms{driver_memory} -XX:+AlwaysPreTouch"
    return ["spark.master=local[2]", f"spark.driver.memory={driver_memory}", f"{JAVA}={java}"]


def alone(module: str, args: argparse.Namespace, users: int) -> dict[str, Any]:
    """Run a benchmark's --only for a number of users in a process of its own."""
    command = [sys.executable, "-m", module, "--output", str(args.output), "--driver-memory", args.driver_memory]
    done = subprocess.run([*command, "--only", str(users)], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured_alone(job: Any, words: list[str], settings: list[str]) -> dict[str, Any]:
    """Run a job once in a session of its own, in this process: seconds, and MiB of the JVM and of Python workers."""
    with PeakMemory() as peak:
        spark = make_session("bench-scale", settings)
        try:
            begun = perf_counter()
            job.run(spark, job.arg_parser().parse_args(words))
            seconds = perf_counter() - begun
        finally:
            spark.stop()
    return {"seconds": seconds, "jvm": peak.jvm, "workers": peak.workers}


def prepare(folder: Path, sizes: list[int], settings: list[str]) -> None:
    """Write the embedding, and the lake of each size that is not there."""
    embedding = folder / "lake-embedding"
    spark = make_session("bench-scale-prepare", settings)
    try:
        if not (embedding / "manifest.json").exists():
            rows = behaviour_of(spark, LEARN_USERS).orderBy("user_id").toArrow()
            save_embedding(default().fit(sample_of(rows, N_TOKENS).counts), embedding)
        for users in sizes:
            write_lake(spark, folder / f"lake-{users}", users, embedding)
    finally:
        spark.stop()


def encode(folder: Path, users: int, settings: list[str]) -> dict[str, Any]:
    """Encode once, in this process."""
    root = folder / f"lake-{users}"
    words = ["--root", str(root), "--ds", str(DS), "--requests", "audience", "--embedding", "day"]
    found = measured_alone(encode_users, words, settings)
    spark = make_session("bench-scale-count", settings)
    try:
        lake = Lake(spark, str(root))
        return {**found, "codes": sum(lake.read(table).count() for table in lake.tables("audience_codes"))}
    finally:
        spark.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.embeddings.scale", description=__doc__)
    parser.add_argument("--output", required=True, type=Path, help="folder for the lakes; kept")
    parser.add_argument("--users", nargs="+", type=int, default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--driver-memory", default="1g")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    settings = settings_of(args.driver_memory)
    if args.only:
        print(json.dumps(encode(args.output, args.only, settings)))
        return
    args.output.mkdir(parents=True, exist_ok=True)
    prepare(args.output, args.users, settings)
    print("| users | codes | seconds | users/s | JVM, MiB | Python workers, MiB |\n|---|---|---|---|---|---|")
    measured = []
    for users in args.users:
        one = alone("tests.benchmarks.embeddings.scale", args, users)
        measured.append(one)
        rate = one["codes"] / one["seconds"]
        print(f"| {users:,} | {one['codes']:,} | {one['seconds']:.1f} | {rate:,.0f} | {one['jvm']:,.0f} |"
              f" {one['workers']:,.0f} |", flush=True)  # fmt: skip
    for name, part in (("JVM", "jvm"), ("Python workers", "workers")):
        ratio = measured[-1][part] / measured[0][part]
        verdict = "flat" if ratio <= FLAT else "not flat"
        print(f"{name}: {ratio:.2f} x the memory at {args.users[-1]:,} users of {args.users[0]:,}: {verdict}")


if __name__ == "__main__":
    main()
