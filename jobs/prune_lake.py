"""Remove old days of the tables, old versions of the model, and files that nothing points to any more.

The champion and the one before always stay. So do, whatever their age, the tables that today's features are
read from (change logs, plans, opt-outs, deletions, daily partials, flags of bots), the counts of ingest, JSON files and
reports. Keep at least the days that training reads and that duplicates are sought in. Nothing else may write
meanwhile.
"""

from __future__ import annotations

import argparse
from datetime import date

from pyspark.sql import SparkSession

from features.contract import TABLES
from jobs.carried import APP_EVENTS, CARRIED, PUSHES
from jobs.cli import add_tracking_argument, at_least, iso_day, job_parser, run_job, say
from jobs.errors import BadInput
from jobs.ingest_counts import COUNTS
from jobs.lake import Lake
from jobs.past import BOT_FLAGS, OUTCOMES
from jobs.registry import Registry

FAMILIES = ("codes", "audience_codes")
"""Folders that hold one table for each embedding version."""

ARTEFACTS = ("embeddings", "candidates", "measured")
"""One folder for each model version that was made; ``--keep-versions`` is about these."""

LOGS = ("sends", "clicks", "app_events")
MEMORY = frozenset({*TABLES, PUSHES, OUTCOMES, APP_EVENTS, BOT_FLAGS, COUNTS, *CARRIED} - {*LOGS})
"""Tables whose oldest rows still count today."""


def arg_parser() -> argparse.ArgumentParser:
    """Give the arguments of this job."""
    parser = job_parser(__doc__, ds=False)
    parser.add_argument("--ds", type=iso_day, help="count days back from this one (default: the lake's newest)")
    parser.add_argument("--keep-days", required=True, type=at_least(1), metavar="N", help="days that tables keep")
    parser.add_argument(
        "--keep-versions", required=True, type=at_least(1), metavar="N", help="model versions that stay"
    )
    add_tracking_argument(parser)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Prune the lake, then the registry."""
    lake, registry = Lake(spark, args.root), Registry(args.root, args.tracking_uri)
    tables = [table for family in ("", *FAMILIES) for table in lake.tables(family)]
    since = _oldest_to_keep(lake, tables, args)
    removed = 0
    for table in tables:
        removed += lake.keep(table, _kept(lake, table, since, args.keep_versions))
    versions = registry.prune(keep=args.keep_versions, days={str(day) for day in lake.days("measured")})
    say(f"removed {removed} days of tables before {since}, and {versions} versions of the model")


def _oldest_to_keep(lake: Lake, tables: list[str], args: argparse.Namespace) -> date:
    days = sorted({day for table in tables for day in lake.days(table) if args.ds is None or day <= args.ds})
    if not days:
        raise BadInput(f"expected a lake: no table in {lake.root} has a day to count from")
    return days[-args.keep_days :][0]


def _kept(lake: Lake, table: str, since: date, versions: int) -> list[date]:
    days = lake.days(table)
    if table in MEMORY:
        return days
    return days[-versions:] if table in ARTEFACTS else [day for day in days if day >= since]


if __name__ == "__main__":
    run_job(arg_parser, run)
