"""Memory and quality of an embedding that is learned block by block from disk, beside all rows in memory.

Behaviour of --users users (see `behaviour.py` beside this one) is written to Parquet once. Then a fresh process without
Spark learns from it for --epochs passes, as `train_embedding --rows-in-memory` does: resident memory at its highest,
less what it was before the first row was read, and FVU of the held-out users. Flat: the largest size takes at most a
tenth more than the smallest.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from jobs.lone_training import _at_once, _by_blocks
from jobs.session import make_session
from jobs.stored_behaviour import BATCH_ROWS, StoredBehaviour
from models.autoencoder.devices import torch_threads
from models.autoencoder.measures import blocks_of
from tests.benchmarks.embeddings.behaviour import WORDS, behaviour_of
from tests.benchmarks.embeddings.grid import default
from tests.benchmarks.embeddings.scale import FLAT


def prepare(folder: Path, sizes: list[int]) -> None:
    """Write the rows of each size that is not there; users are in random order, as their numbers tell nothing."""
    missing = [users for users in sizes if not (folder / f"rows-{users}" / "_SUCCESS").exists()]
    if not missing:
        return
    spark = make_session("bench-streamed-prepare", ["spark.master=local[2]"])
    try:
        for users in missing:
            rows = behaviour_of(spark, users).write.option("parquet.block.row.count.limit", BATCH_ROWS)
            rows.mode("overwrite").parquet(str(folder / f"rows-{users}"))
    finally:
        spark.stop()


def learn(folder: Path, users: int, rows_in_memory: int, epochs: int) -> dict[str, Any]:
    """Learn once, in this process; 0 rows in memory are all."""
    stored = StoredBehaviour(sorted((folder / f"rows-{users}").glob("*.parquet")))
    model = default(max_epochs=epochs, device="cpu")
    blocks = blocks_of(WORDS)
    with torch_threads(1):
        before, begun = _peak(), perf_counter()
        if rows_in_memory:
            _by_blocks(stored, model, None, blocks, rows_in_memory)
        else:
            _at_once(stored.read(), model, None, blocks)
    measures = model.measures_
    return {"fvu": measures["fvu"], "mib": _peak() - before, "seconds": perf_counter() - begun}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.embeddings.streamed", description=__doc__)
    parser.add_argument("--output", required=True, type=Path, help="folder for the rows; kept")
    parser.add_argument("--users", nargs="+", type=int, default=[50_000, 100_000, 200_000])
    parser.add_argument("--rows-in-memory", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--only", type=int, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(learn(args.output, *args.only, args.epochs)))
        return
    args.output.mkdir(parents=True, exist_ok=True)
    prepare(args.output, args.users)
    print("| users | rows in memory | FVU | memory, MiB | seconds |\n|---|---|---|---|---|")
    found: dict[int, list[float]] = {}
    for users in args.users:
        for most in (args.rows_in_memory, 0):
            command = [sys.executable, "-m", "tests.benchmarks.embeddings.streamed", "--output", str(args.output)]
            command += ["--epochs", str(args.epochs), "--only", str(users), str(most)]
            one = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            found.setdefault(most, []).append(one["mib"])
            print(f"| {users:,} | {f'{most:,}' if most else 'all'} | {one['fvu']:.3f} | {one['mib']:,.0f} |"
                  f" {one['seconds']:.1f} |", flush=True)  # fmt: skip
    ratio = found[args.rows_in_memory][-1] / found[args.rows_in_memory][0]
    print(f"{ratio:.2f} x the memory at {args.users[-1]:,} users of {args.users[0]:,}: "
          f"{'flat' if ratio <= FLAT else 'not flat'}")  # fmt: skip


if __name__ == "__main__":
    main()
