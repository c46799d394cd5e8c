"""The whole comparison from nothing: lakes of simulated logs, and `__main__.py` beside this one on them.

Settings are chosen on the log of seed 0; the table is of those of seeds 1 to 3, by three seeds of each embedding. Lakes
go up to the training set, which is all that is read; finished ones are kept. Whatever else is given is for the
comparison: --processes 2, or --quick.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import date
from pathlib import Path

from jobs import run_pipeline
from jobs.build_training_set import META
from jobs.cli import say
from jobs.session import make_session

CHOSEN_ON, *REPORTED = range(4)
LAST = "build_training_set"


def lake_of(root: Path, seed: int, words: list[str]) -> date:
    """Make a lake unless it is finished; gives its day."""
    args = run_pipeline.arg_parser().parse_args(["--root", str(root), "--simulate", "--seed", str(seed), *words])
    steps = run_pipeline.steps_of(args)
    if not (root / META / f"ds={args.ds}.json").exists():
        spark = make_session("bench-embeddings", args.spark_conf)
        try:
            for name, job, arguments in steps[: 1 + [name for name, _, _ in steps].index(LAST)]:
                say(f"lake of seed {seed}: {name}")
                job(spark, arguments)
        finally:
            spark.stop()
    return args.ds


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.embeddings.whole", description=__doc__, allow_abbrev=False)
    parser.add_argument("--output", required=True, type=Path, help="folder for lakes and what is measured; kept")
    parser.add_argument("--log", default="", help="for run_pipeline, in one word: '--users 2000 --sends 30000'")
    args, rest = parser.parse_known_args()
    roots = {seed: args.output / "lakes" / f"seed{seed}" for seed in (CHOSEN_ON, *REPORTED)}
    ds = {lake_of(root, seed, args.log.split()) for seed, root in roots.items()}.pop()
    command = [sys.executable, "-m", "tests.benchmarks.embeddings", "--root", str(roots[CHOSEN_ON]), "--ds", str(ds)]
    command += [word for seed in REPORTED for word in ("--report", str(roots[seed]))]
    sys.exit(subprocess.run([*command, "--output", str(args.output), "--seeds", "3", *rest], check=False).returncode)


if __name__ == "__main__":
    main()
