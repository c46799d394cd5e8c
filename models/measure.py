"""Latency, throughput, cold start and memory of bundles, in a process of its own without Spark.

``python -m models.measure --bundles DIR... --rows ROWS.parquet... --output OUT.json``

One thread. Bundles take turns row by row, so that their ratios can be trusted more than their times.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.parquet as pq

import models
from models.batch import to_column
from models.latency import Timed, batch_rows_per_s, latency_us
from models.machine import describe_machine
from models.probe import is_usable
from models.schema import SCHEMA_FILE, FeatureSchema
from models.serving import Scorer
from models.serving.engines import ENGINES, installed
from models.serving.manifest import read_manifest, read_measures
from models.serving.types import RawRow

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
MARGIN = 1.25
"""How many times as fast as a format's first engine another one must be to serve in its place."""
STARTS = 3
"""How often a bundle is started cold; the median counts."""


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
    run_on_one_thread("models.measure", "--bundles", *named)
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def measure(bundles: Sequence[Path], rows: Sequence[Path]) -> dict[str, Any]:
    """Measure bundles in this process; see `measure_in_fresh_process`.

    Returns
    -------
    dict
        ``machine``, and ``bundles``: one entry for each, in order, with ``engine``, the `fastest_engine` of those that
        may serve it, see `engines_of`; ``engine_latency_us`` of each; and of the fastest ``latency_us``,
        ``batch_rows_per_s`` (of the largest batches), ``batch_rows_per_s_by_size``, and what ``models.cold_start`` says
        of it.
    """
    files = list(rows) * len(bundles) if len(rows) == 1 else list(rows)
    tables = {file: pq.read_table(file) for file in dict.fromkeys(files)}
    raw = {file: table.to_pylist() for file, table in tables.items()}
    scorers = [{engine: Scorer.load(bundle, engine=engine) for engine in engines_of(bundle)} for bundle in bundles]
    timed = {
        (index, engine): Timed(scorer, raw[files[index]])
        for index, by_engine in enumerate(scorers)
        for engine, scorer in by_engine.items()
    }
    latency = latency_us(timed)
    entries = []
    for index, (bundle, file) in enumerate(zip(bundles, files, strict=True)):
        engines = {engine: latency[index, engine] for engine in scorers[index]}
        fastest = fastest_engine(engines)
        entries.append(
            {
                "engine": fastest,
                "engine_latency_us": engines,
                "latency_us": engines[fastest],
                **_throughput(scorers[index][fastest], bundle, tables[file]),
                **_cold_start(bundle, raw[file][0], fastest),
            }
        )
    return {"machine": describe_machine(), "bundles": entries}


def fastest_engine(latency: Mapping[str, Mapping[str, float]]) -> str:
    """Name the engine that serves: the first, unless another one is faster by `MARGIN` in its p50 and in its p99.

    Less may be chance, which would give the same model another engine on another night; and the first one of a format
    loads in milliseconds.
    """
    first, *others = latency
    faster = [name for name in others if all(latency[name][at] * MARGIN <= latency[first][at] for at in ("p50", "p99"))]
    return min(faster, key=lambda name: latency[name]["p99"], default=first)


def engines_of(bundle: Path) -> list[str]:
    """Give the engines that a bundle is timed with: those that give the model's probabilities, and are installed.

    One that was measured before has the engine that serves it; so has one that nobody compared with its model.
    """
    manifest = read_manifest(bundle)
    measures = read_measures(bundle, manifest)
    own = manifest.get("engine", ENGINES[manifest["serving_format"]][0])
    passed = [
        engine for engine, difference in (measures.get("engine_difference") or {}).items() if is_usable(difference)
    ]
    found = [engine for engine in passed if installed(engine) and "latency_us" not in measures]
    return found or [own if installed(own) else ENGINES[manifest["serving_format"]][0]]


def arg_parser() -> argparse.ArgumentParser:
    """Give the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundles", nargs="+", required=True, type=Path, help="bundle folders")
    parser.add_argument("--rows", nargs="+", required=True, type=Path, help="raw rows (Parquet): for all, or for each")
    parser.add_argument("--output", required=True, type=Path, help="JSON file to write")
    return parser


def _throughput(scorer: Scorer, bundle: Path, table: Any) -> dict[str, Any]:
    schema = FeatureSchema.from_json(json.loads((bundle / SCHEMA_FILE).read_text()))
    batch = {name: to_column(table[name], name, schema) for name in scorer.encoder.raw_columns}
    found = {size: round(rate, 1) for size, rate in batch_rows_per_s(scorer, batch).items()}
    by_size = {str(size): rate for size, rate in found.items()}
    return {"batch_rows_per_s": found[max(found)], "batch_rows_per_s_by_size": by_size}


def _cold_start(bundle: Path, row: RawRow, engine: str) -> dict[str, float | None]:
    asked = ("models.cold_start", str(bundle), json.dumps(row), engine)
    starts = [json.loads(run_on_one_thread(*asked)) for _ in range(STARTS)]
    return {name: _median([start[name] for start in starts]) for name in starts[0]}


def _median(values: Sequence[float | None]) -> float | None:
    """Give the median to one decimal place; None where one is not known."""
    known = [value for value in values if value is not None]
    return round(median(known), 1) if len(known) == len(values) else None


def run_on_one_thread(module: str, *arguments: str) -> str:
    """Run a module as a command on one thread; gives what it prints.

    It finds the rooms where this process found them, be it in a zip.
    """
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
