"""Batch scoring on Spark beside LightGBM that predicts the same rows, encoded before, in one process.

``python -m tests.benchmarks.models.batch_scoring --root LAKE --ds DAY`` copies the users of a lake until they give so
many rows, scores them on ``local[2]`` by the path of `score_users`, and prints CPU seconds of the JVM and its Python
workers, planning and garbage collection among them, a million rows. Each step does what those before it do, and the
first run, which warms the JVM up, has its own line. Then the same trees predict alone, on one thread.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from features.parts import Batches
from features.scoring_parts import Parts
from jobs.batch_scoring import Served, over_users, read_served, scorer_of
from jobs.cli import at_least, iso_day
from jobs.lake import Lake
from jobs.pair_parts import Offers, PairParts
from jobs.pair_scorer import PAIRS, encoded_rows
from jobs.score_users import score_all
from jobs.scoring_rows import raw_parts, raw_rows
from jobs.session import make_session
from models.machine import describe_machine
from models.serving.manifest import read_manifest
from models.serving.types import Floats
from tests.benchmarks.models.contenders import has_lleaves
from tests.benchmarks.models.copied_audience import copy_audience
from tests.benchmarks.models.process_times import cpu_seconds_below
from tests.benchmarks.models.same_trees import LIGHTGBM, LLEAVES, microseconds_a_row

MASTER = "spark.master=local[2]"
MILLION = 1_000_000
PREDICTED_ROWS = 200_000
"""Rows that are predicted alone."""
MOST_USERS = 1_000
"""Users that are crossed at a time to get them."""
PROMISE = 1.3
WHOLE, WHOLE_LLEAVES = "and writing", "and writing, predicted by lleaves"


@dataclass(frozen=True)
class Taken:
    """What a step took: CPU seconds a million rows, and seconds."""

    jvm: float
    python: float
    wall: float

    @property
    def cpu(self) -> float:
        return self.jvm + self.python


def main() -> None:
    """Score, and print."""
    args = _arguments()
    spark = make_session("bench-scoring", [MASTER])
    source, lake = Lake(spark, str(args.root)), Lake(spark, str(args.output / "lake"))
    folder = source.get_folder("measured", args.ds) / args.candidate
    manifest = read_manifest(folder)
    served, version = read_served(folder, manifest), manifest["embedding_version"]
    each = raw_rows(source, args.ds).select("user_id").count()
    copies = -(-args.rows // each)
    n_rows = copies * each
    print(f"{describe_machine()}\n{args.candidate}, {copies} x {each:,} rows", flush=True)
    n_users = copy_audience(source, lake, args.ds, version, copies)

    def parts() -> Parts:
        return raw_parts(lake, args.ds, version, n_users, wanted=served.raw_columns)

    def write(served: Served) -> None:
        score_all(lake, args.ds, parts(), served, manifest)

    steps = _steps(parts, served) | {WHOLE: partial(write, served)}
    if has_lleaves():
        steps[WHOLE_LLEAVES] = partial(write, read_served(folder, manifest, "lleaves"))
    found = {"all of it, cold": _measured(steps[WHOLE], n_rows, 1)}
    found |= {name: _measured(step, n_rows, args.runs) for name, step in steps.items()}
    print(_table(found, n_rows))
    alone = microseconds_a_row(served, _some_encoded(parts(), served))
    print(_verdicts(found, alone))
    spark.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, type=Path, help="a local lake where models were measured")
    parser.add_argument("--ds", required=True, type=iso_day, help="the day, YYYY-MM-DD")
    parser.add_argument("--output", type=Path, default=Path("build/bench-scoring"), help="where copies go")
    parser.add_argument("--candidate", default="lightgbm", help="a measured one, of boosted trees")
    parser.add_argument("--rows", type=at_least(1), default=2 * MILLION, help="at least so many are scored")
    parser.add_argument("--runs", type=at_least(1), default=1, help="of each step; the median counts")
    return parser.parse_args()


def _steps(parts: Callable[[], Parts], served: Served) -> dict[str, Callable[[], object]]:
    """Give what is timed, by name; each with a step more than the one before."""
    drained: dict[str, Callable[[], DataFrame]] = {
        "users and offers": lambda: parts().users.frame(),
        "and to Python": lambda: parts().users.mapped(_received, "rows long"),
        "and crossing": lambda: _in_workers(parts(), served, _crossed),
        "and predicting": lambda: _in_workers(parts(), served, _predicted),
    }
    return {name: partial(_drain, made) for name, made in drained.items()}


def _drain(made: Callable[[], DataFrame]) -> None:
    made().write.format("noop").mode("overwrite").save()


def _received(batches: Batches) -> Batches:
    yield pa.RecordBatch.from_pydict({"rows": [sum(batch.num_rows for batch in batches)]})


def _in_workers(parts: Parts, served: Served, work: Callable[[Served, Offers, Batches], int]) -> DataFrame:
    def working(served: Served, offers: Offers, batches: Batches) -> Batches:
        yield pa.RecordBatch.from_pydict({"rows": [work(served, offers, batches)]})

    return over_users(parts, served, working, "rows long")


def _crossed(served: Served, offers: Offers, batches: Batches) -> int:
    parts = PairParts(scorer_of(served).scorer.encoder, offers)
    return sum(len(one.users) for batch in batches for one in parts.of_batch(batch).pairs(PAIRS))


def _predicted(served: Served, offers: Offers, batches: Batches) -> int:
    return sum(len(p_click) for *_, p_click in scorer_of(served).scores(offers, batches))


def _encoded(served: Served, offers: Offers, batches: Batches) -> Iterator[Floats]:
    encoder = scorer_of(served).scorer.encoder
    pair_parts, n_columns = PairParts(encoder, offers), len(encoder.columns)
    for parts in map(pair_parts.of_batch, batches):
        yield from (encoded_rows(parts, pairs, n_columns) for pairs in parts.pairs(PAIRS))


def _some_encoded(parts: Parts, served: Served) -> Floats:
    """Give the first encoded rows."""
    users = iter(parts.users.frame().limit(PREDICTED_ROWS).toArrow().to_batches(max_chunksize=MOST_USERS))
    found, n_rows = [], 0
    for rows in _encoded(served, Offers.of(parts), users):
        found.append(rows)
        n_rows += len(rows)
        if n_rows >= PREDICTED_ROWS:
            break
    return np.concatenate(found)[:PREDICTED_ROWS]


def _measured(step: Callable[[], object], n_rows: int, runs: int) -> Taken:
    taken = [_once(step) for _ in range(runs)]
    jvm, python, wall = (median(one) for one in zip(*taken, strict=True))
    return Taken(jvm / n_rows * MILLION, python / n_rows * MILLION, wall)


def _once(step: Callable[[], object]) -> tuple[float, float, float]:
    before, started = cpu_seconds_below(os.getpid()), time.monotonic()
    step()
    wall, after = time.monotonic() - started, cpu_seconds_below(os.getpid())
    jvm = after["java"] - before["java"]
    return jvm, sum(after.values()) - sum(before.values()) - jvm, wall


def _table(found: Mapping[str, Taken], n_rows: int) -> str:
    head = f"\n| CPU s a million rows, {n_rows:,} rows | JVM | Python | both | s in all |\n|---|--:|--:|--:|--:|"
    lines = (
        f"| {name} | {one.jvm:.2f} | {one.python:.2f} | {one.cpu:.2f} | {one.wall:.0f} |" for name, one in found.items()
    )
    return "\n".join([head, *lines])


def _verdicts(found: Mapping[str, Taken], alone: Mapping[str, float]) -> str:
    wholes = {name: found[name] for name in (WHOLE, WHOLE_LLEAVES) if name in found}
    head = f"\n| encoded rows, one thread | CPU us a row | {' | '.join(f'Spark, {name}' for name in wholes)} |"
    lines = (
        f"| {name} | {one:.2f} | {' | '.join(f'{whole.cpu / one:.2f} of it' for whole in wholes.values())} |"
        for name, one in alone.items()
    )
    ratios = {name: whole.cpu / alone[LIGHTGBM] for name, whole in wholes.items()}
    kept = (
        f"{name}: {ratio:.2f} of {LIGHTGBM}, at most {PROMISE} promised: {'kept' if ratio <= PROMISE else 'MISSED'}"
        for name, ratio in ratios.items()
    )
    told = [*kept, *([] if LLEAVES in alone else ["lleaves is not installed"])]
    return "\n".join([head, "|---|--:|" + "--:|" * len(wholes), *lines, "", *told])


if __name__ == "__main__":
    main()
