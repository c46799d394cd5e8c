"""Users encoded a second by the Spark job's own path, and the memory that it takes, as users become more.

For each number of users: behaviour cells are generated into Parquet (see `behaviour.py` beside this one), and then a
fresh process with a `local[2]` session reads them, makes rows of them, encodes them and writes codes, by the functions
of `jobs.encode_users`. The embedding is the default one, learned from 10,000 users. Memory is resident memory, looked
at ten times a second: the JVM, and all Python workers together; what forked workers share is split between them (PSS).
The JVM has touched its whole heap (--driver-memory) before it begins, since it would grow to that before it collects.
Flat: either takes at most a tenth more at the largest size than at the smallest.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from jobs.embedding import encoded
from jobs.session import make_session
from models.autoencoder.store import save
from tests.benchmarks.embeddings.behaviour import AS_OF, N_TOKENS, WORDS, behaviour_of, cells_of
from tests.benchmarks.embeddings.grid import default
from tests.benchmarks.memory import PeakMemory

FLAT = 1.1
LEARN_USERS = 10_000


def prepare(folder: Path, sizes: list[int], settings: list[str]) -> None:
    """Write the cells of each size that is not there, and the embedding."""
    spark = make_session("bench-scale-prepare", settings)
    try:
        for users in sizes:
            if not (folder / f"cells-{users}" / "_SUCCESS").exists():
                cells_of(spark, users).write.mode("overwrite").parquet(str(folder / f"cells-{users}"))
        if not (folder / "embedding" / "manifest.json").exists():
            from jobs.behaviour_sample import sample_of

            rows = behaviour_of(spark, LEARN_USERS).orderBy("user_id").toArrow()
            model = default().fit(sample_of(rows, N_TOKENS).counts)
            save(model, WORDS, folder / "embedding", model.measures_)
    finally:
        spark.stop()


def encode(folder: Path, users: int, settings: list[str]) -> dict[str, Any]:
    """Encode once, in this process."""
    from pyspark.sql import functions as F

    with PeakMemory() as peak:
        spark = make_session("bench-scale", settings)
        try:
            cells = spark.read.parquet(str(folder / f"cells-{users}"))
            keys = cells.select("user_id").distinct().withColumn("as_of", F.lit(AS_OF))
            begun = perf_counter()
            codes = encoded(spark, keys, cells, folder / "embedding")
            codes.write.mode("overwrite").parquet(str(folder / f"codes-{users}"))
            seconds = perf_counter() - begun
            written = spark.read.parquet(str(folder / f"codes-{users}")).count()
        finally:
            spark.stop()
    return {"users": users, "codes": written, "seconds": seconds, "jvm": peak.jvm, "workers": peak.workers}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.embeddings.scale", description=__doc__)
    parser.add_argument("--output", required=True, type=Path, help="folder for cells and codes; kept")
    parser.add_argument("--users", nargs="+", type=int, default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--driver-memory", default="1g")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    settings = [
        "spark.master=local[2]",
        f"spark.driver.memory={args.driver_memory}",
        f"spark.driver.extraJavaOptions=-Xms{args.driver_memory} -XX:+AlwaysPreTouch",
    ]
    if args.only:
        print(json.dumps(encode(args.output, args.only, settings)))
        return
    args.output.mkdir(parents=True, exist_ok=True)
    prepare(args.output, args.users, settings)
    print("| users | codes | seconds | users/s | JVM, MiB | Python workers, MiB |\n|---|---|---|---|---|---|")
    measured = []
    for users in args.users:
        command = [sys.executable, "-m", "tests.benchmarks.embeddings.scale", "--output", str(args.output)]
        command += ["--driver-memory", args.driver_memory, "--only", str(users)]
        one = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
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
