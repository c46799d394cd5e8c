"""Fit one candidate on 10, 25, 50 and 100 % of the users, and measure each fit on the same hold-out.

Tells whether more data would help. In the daily chain where the whole report is asked for; the report shows the curve
of a day that has one. Reads the training set of the day; writes ROOT/learning_curve/ds=DAY.json.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits

from jobs.cli import run_job, say
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.refitting import read_refit, refit_parser
from models.batch import to_labelled_rows
from models.learning_curve import Part, Point, TooFewClicks, learning_curve, user_place
from models.schema import FeatureSchema

LEARNING_CURVE = "learning_curve"


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    return refit_parser(__doc__)


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Draw the curve of ``args.ds``."""
    lake = Lake(spark, args.root)
    of = read_refit(lake, args)
    train, validation = (_part(table, of.schema, args.seed) for table in (of.train, of.validation))
    holdout = to_labelled_rows(of.holdout, of.schema)
    points = []
    try:
        with threadpool_limits(limits=args.threads):
            for point in learning_curve(
                of.spec, train, validation, holdout, of.schema, of.n_latents, seed=args.seed, n_threads=args.threads
            ):
                points.append(_to_json(point))
                say(f"{point.share:.0%} of the users, {point.rows:,} sends: log-loss {point.log_loss:.5f}")
    except TooFewClicks as error:
        raise BadInput(str(error)) from None
    curve = {"candidate": args.candidate, "seed": args.seed, "holdout_rows": len(holdout), "points": points}
    lake.put_json(LEARNING_CURVE, args.ds, curve)


def _part(table: pa.Table, schema: FeatureSchema, seed: int) -> Part:
    return Part(to_labelled_rows(table, schema), user_place(table["user_id"].to_pylist(), seed=seed))


def _to_json(point: Point) -> dict[str, Any]:
    return {**asdict(point), "auc_ci": list(point.auc_ci)}


if __name__ == "__main__":
    run_job(arg_parser, run)
