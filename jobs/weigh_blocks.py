"""Fit one candidate without each block of features in turn, and tell what its absence costs on the hold-out.

Tells what each block adds to all the others, with intervals. In the daily chain where the whole report is asked for;
the report shows the table of a day that has one. Reads the training set of the day; writes
ROOT/block_weights/ds=DAY.json.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits

from features.catalogue import features_by_block
from jobs.cli import run_job, say
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.refitting import read_refit, refit_parser
from models.batch import to_labelled_rows
from models.block_weights import Whole, weigh_blocks

BLOCK_WEIGHTS = "block_weights"


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    return refit_parser(__doc__)


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Weigh the blocks of ``args.ds``."""
    lake = Lake(spark, args.root)
    of = read_refit(lake, args)
    blocks = features_by_block(read_note(lake, args.ds).has)
    train, validation, holdout = (to_labelled_rows(table, of.schema) for table in (of.train, of.validation, of.holdout))
    whole, weights = {}, []
    with threadpool_limits(limits=args.threads):
        for found in weigh_blocks(
            of.spec, train, validation, holdout, of.schema, of.n_latents, blocks, seed=args.seed, n_threads=args.threads
        ):
            if isinstance(found, Whole):
                whole = asdict(found)
                say(f"with all blocks: log-loss {found.log_loss:.5f}, AUC {found.auc:.4f}")
            else:
                weights.append(asdict(found))
                low, high = found.log_loss_gain_ci
                say(f"without {found.block}: log-loss {found.log_loss_gain:+.5f} ({low:+.5f} to {high:+.5f})")
    about = {"candidate": args.candidate, "seed": args.seed, "holdout_rows": len(holdout)}
    lake.put_json(BLOCK_WEIGHTS, args.ds, {**about, "whole": whole, "blocks": weights})


if __name__ == "__main__":
    run_job(arg_parser, run)
