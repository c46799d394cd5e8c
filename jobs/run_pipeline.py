"""Run the whole chain for one day, every job in order, in one Spark session.

Either --mapping and --input name a log, or --simulate makes one below the root first. A refusal by a gate keeps the old
champion; scoring and report go on, and the exit status is 3 at the end.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pyspark.sql import SparkSession

from jobs import (
    aggregate_day,
    build_features,
    build_training_set,
    describe_embedding,
    draw_learning_curve,
    encode_users,
    ingest_logs,
    measure_models,
    publish_model,
    report_models,
    score_users,
    simulate_logs,
    train_click_models,
    train_embedding,
    weigh_blocks,
)
from jobs.cli import add_tracking_argument, at_least, iso_day, job_parser, run_job, say
from jobs.errors import BadInput, Refused
from jobs.gates_file import read_gates
from jobs.lake import Lake
from jobs.registry import Registry
from jobs.settings_file import read_candidates
from jobs.simulation.ceiling import write_ceiling
from jobs.split_arguments import add_split_arguments
from jobs.storage import absolute

OF_WHOLE_REPORT = (draw_learning_curve, weigh_blocks, describe_embedding)

Step = tuple[str, Callable[[SparkSession, argparse.Namespace], None], argparse.Namespace]


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__, ds=False)
    parser.add_argument("--ds", type=iso_day, help="the day to process, YYYY-MM-DD (default: the last simulated day)")
    parser.add_argument("--mapping", help="a shipped mapping by name, or the path of a .toml file")
    parser.add_argument("--input", help="file, folder or URI that the mapping's sources are relative to")
    parser.add_argument("--simulate", action="store_true", help="simulate a log below the root, and take that")
    log = parser.add_argument_group("the simulated log")
    log.add_argument("--users", type=at_least(1), default=20_000)
    log.add_argument("--days", type=at_least(1), default=42)
    log.add_argument("--sends", type=at_least(1), default=300_000)
    log.add_argument("--seed", type=int, dest="log_seed", metavar="SEED", help="another one gives another log")
    add_split_arguments(parser)
    parser.add_argument("--gates", metavar="FILE", help="a TOML file with the limits (default: jobs/gates.toml)")
    parser.add_argument("--top", type=at_least(1), metavar="K", help="keep only the K likeliest users of each campaign")
    parser.add_argument("--settings", metavar="FILE", help="a TOML file with the candidates and their settings")
    parser.add_argument("--threads", type=at_least(1), default=2, help="threads that models are trained with")
    parser.add_argument(
        "--whole-report", action="store_true",
        help="draw the learning curve, weigh blocks of features and describe the embedding too: some minutes more",
    )  # fmt: skip
    add_tracking_argument(parser)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Run every job."""
    read_gates(args.gates)
    read_candidates(args.settings)
    Registry(args.root, args.tracking_uri)
    steps = steps_of(args)
    refusal: Refused | None = None
    begun = time.monotonic()
    for number, (name, job, arguments) in enumerate(steps, 1):
        say(f"[{number}/{len(steps)}] {name}  ({time.monotonic() - begun:.0f} s)")
        try:
            job(spark, arguments)
        except Refused as error:
            refusal = error
            say(f"refused: {error}")
    say(f"done in {time.monotonic() - begun:.0f} s")
    if refusal is not None:
        raise refusal


def steps_of(args: argparse.Namespace) -> list[Step]:
    """Settle the arguments of every job before the first one starts."""
    before: list[Step] = []
    ceiling: list[Step] = []
    if args.log_seed is not None and not args.simulate:
        raise BadInput(f"--seed is that of a simulated log: expected --simulate, or no --seed, got {args.log_seed}")
    if args.simulate:
        own = {} if args.log_seed is None else {"seed": args.log_seed}
        simulate = _for(simulate_logs, args, output=f"{absolute(args.root)}/simulated_logs", **own)
        args.mapping, args.input = "simulator", simulate.output
        args.ds = args.ds or simulate.start + timedelta(days=args.days - 1)
        before = [("simulate_logs", simulate_logs.run, simulate)]
        ceiling = [("compare with the true click probability", _write_ceiling, args)]
    for name in ("mapping", "input", "ds"):
        if getattr(args, name) is None:
            raise BadInput(f"expected --{name}, or --simulate")
    chain = [
        _step(ingest_logs, args),
        _step(aggregate_day, args),
        _step(build_features, args),
        _step(train_embedding, args, threads=1),  # more would give other weights, and no speed at this width
        _step(encode_users, args, requests="training"),
        _step(build_training_set, args),
        _step(train_click_models, args),
        _step(measure_models, args),
        _step(publish_model, args),
        _step(encode_users, args, requests="audience"),
        _step(score_users, args),
    ]
    for_report = [_step(job, args) for job in OF_WHOLE_REPORT if args.whole_report]
    return [*before, *chain, *ceiling, *for_report, _step(report_models, args)]


def _step(job: Any, args: argparse.Namespace, **own: object) -> Step:
    return job.__name__.rpartition(".")[2], job.run, _for(job, args, **own)


def _for(job: Any, args: argparse.Namespace, **own: object) -> argparse.Namespace:
    """Give a job's arguments: its own defaults, with what the pipeline was given in their place."""
    parser: argparse.ArgumentParser = job.arg_parser()
    names = {action.dest for action in parser._actions} - {"help"}
    given = {name: value for name, value in vars(args).items() if name in names}
    return argparse.Namespace(**{**{name: parser.get_default(name) for name in names}, **given, **own})


def _write_ceiling(spark: SparkSession, args: argparse.Namespace) -> None:
    write_ceiling(spark, Lake(spark, args.root), args.input, args.ds)


if __name__ == "__main__":
    run_job(arg_parser, run)
