"""Latency, throughput and load time of bundles, in a process of its own without Spark.

``python -m models.measure --bundles DIR... --rows ROWS.parquet... --output OUT.json``

One thread. Bundles take turns row by row, so that their ratios can be trusted more than their times.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.parquet as pq

import models
from models.batch import to_batch
from models.bundle import SCHEMA_FILE
from models.latency import Timed, batch_rows_per_s, latency_us
from models.machine import describe_machine
from models.schema import FeatureSchema
from models.serving import Scorer

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
LOADS = 3


def measure_in_fresh_process(bundles: Sequence[Path], rows: Sequence[Path], output: Path) -> dict[str, Any]:
    """Run this module as a command; gives what it measured.

    Parameters
    ----------
    bundles : sequence of Path
        Bundle folders.
    rows : sequence of Path
        Parquet files of raw feature rows: one for all bundles, or one for each.
    output : Path
        Where the command writes its findings.
    """
    named = [*map(str, bundles), "--rows", *map(str, rows), "--output", str(output)]
    _python("models.measure", "--bundles", *named)
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def measure(bundles: Sequence[Path], rows: Sequence[Path]) -> dict[str, Any]:
    """Measure bundles in this process; see `measure_in_fresh_process`.

    Returns
    -------
    dict
        ``machine``, and ``bundles``: one entry for each, in order, with ``latency_us``, ``batch_rows_per_s``
        and ``load_ms``.
    """
    files = list(rows) * len(bundles) if len(rows) == 1 else list(rows)
    scorers = [Scorer.load(bundle) for bundle in bundles]
    tables = {file: pq.read_table(file) for file in dict.fromkeys(files)}
    raw = {file: table.to_pylist() for file, table in tables.items()}
    timed = {str(i): Timed(scorer, raw[file]) for i, (scorer, file) in enumerate(zip(scorers, files, strict=True))}
    latency = latency_us(timed)
    return {
        "machine": describe_machine(),
        "bundles": [
            {
                "latency_us": latency[str(index)],
                "batch_rows_per_s": _throughput(timed[str(index)].scorer, bundle, tables[file]),
                "load_ms": _load_ms(bundle),
            }
            for index, (bundle, file) in enumerate(zip(bundles, files, strict=True))
        ],
    }


def arg_parser() -> argparse.ArgumentParser:
    """Give the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundles", nargs="+", required=True, type=Path, help="bundle folders")
    parser.add_argument("--rows", nargs="+", required=True, type=Path, help="raw rows (Parquet): for all, or for each")
    parser.add_argument("--output", required=True, type=Path, help="JSON file to write")
    return parser


def _throughput(scorer: Scorer, bundle: Path, table: Any) -> float:
    schema = FeatureSchema.from_json(json.loads((bundle / SCHEMA_FILE).read_text()))
    return round(batch_rows_per_s(scorer, to_batch(table, schema), table.num_rows), 1)


def _load_ms(bundle: Path) -> float:
    return round(median(float(_python("models.load_time", str(bundle))) for _ in range(LOADS)), 1)


def _python(module: str, *arguments: str) -> str:
    """Run a module on one thread; it finds the rooms where this process found them, be it in a zip."""
    rooms = str(Path(models.__file__).parents[1])
    path = os.pathsep.join(filter(None, (rooms, os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def main() -> None:
    """Measure what the command line names."""
    args = arg_parser().parse_args()
    args.output.write_text(json.dumps(measure(args.bundles, args.rows)))


if __name__ == "__main__":
    main()
