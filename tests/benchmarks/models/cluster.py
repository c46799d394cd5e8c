"""Training in memory, out of core, and on a real cluster of two executors, beside each other.

``python -m tests.benchmarks.models.cluster --output FOLDER`` makes rows of 150 columns, fits each route in a fresh
process, and prints a Markdown table: seconds of a whole candidate (tried out, calibrated, fitted again on both parts),
quality on a hold-out, and peak memory of the Python process that fits: of ranks, the largest one; of a forest on the
cluster, the driver. What goes to the executors is told on stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from models.machine import describe_machine
from tests.benchmarks.models.one_fit import CLUSTER, MAX_TREES
from tests.benchmarks.models.wide_rows import SCHEMA, write_rows

FITS = (
    ("memory", "lightgbm"),
    ("out-of-core", "lightgbm"),
    ("spark", "lightgbm"),
    ("memory", "histogram_forest"),
    ("out-of-core", "histogram_forest"),
    ("memory", "random_forest"),
    ("spark", "random_forest"),
)


def main() -> None:
    """Fit, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("build/bench-cluster"), help="where rows are kept")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows to fit on; the hold-out comes on top")
    parser.add_argument("--threads", default="2", help="threads of a fit on one machine")
    parser.add_argument("--only", action="append", default=[], metavar="ROUTE/FAMILY", help="fit these; repeatable")
    args = parser.parse_args()
    folder = args.output / str(args.rows)
    write_rows(folder, args.rows)
    n_columns = len(SCHEMA.features)
    machine = describe_machine()
    data = args.rows * n_columns * 4
    print(
        f"{machine['cpu']}, {machine['cores']} cores; {args.rows:,} rows x {n_columns} columns, {data / 1e6:,.0f} MB as"
    )
    print(f"float32; boosted trees: at most {MAX_TREES}; spark: {CLUSTER}\n")
    print("| route | family | seconds | AUC | log-loss | peak MB |\n|---|---|--:|--:|--:|--:|", flush=True)
    for route, family in FITS:
        if not args.only or f"{route}/{family}" in args.only:
            print(_line(route, family, _fit(route, family, folder, args.threads)), flush=True)


def _fit(route: str, family: str, folder: Path, threads: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.models.one_fit", route, family, str(folder.resolve()), threads]
    one = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": threads}
    )
    found: dict[str, float] = json.loads(one.stdout.splitlines()[-1])
    return found


def _line(route: str, family: str, found: dict[str, float]) -> str:
    figures = f"{found['seconds']:.0f} | {found['auc']:.5f} | {found['log_loss']:.6f}"
    return f"| {route} | {family} | {figures} | {found['peak_rss_bytes'] / 1e6:,.0f} |"


if __name__ == "__main__":
    main()
