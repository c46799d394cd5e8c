"""The arguments by which jobs agree on training, validation and hold-out."""

from __future__ import annotations

import argparse

from features.splits import Split, split_days
from features.time_rules import TimeRules
from jobs.cli import at_least


def add_split_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--holdout-days``, ``--validation-days`` and ``--train-days``."""
    parser.add_argument("--holdout-days", type=at_least(1), default=7, help="last mature days, measured on only")
    parser.add_argument(
        "--validation-days", type=at_least(1), default=7, help="days before, on which settings are chosen"
    )
    parser.add_argument("--train-days", type=at_least(1), default=90, help="at most so many days before those")


def split_of(args: argparse.Namespace, rules: TimeRules) -> Split:
    """Lay out the parts for ``args.ds``."""
    return split_days(
        args.ds,
        rules,
        train_days=args.train_days,
        validation_days=args.validation_days,
        holdout_days=args.holdout_days,
    )
