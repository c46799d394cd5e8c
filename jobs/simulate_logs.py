"""Simulate the logs of an app that sends pushes: Parquet folders, one a table of the data contract.

Beside them, for tests alone: true_click_probability (of each send), true_interests and true_bots. The rows depend on
the arguments only, not on partitions or machine. What is simulated is told in jobs/simulation, beginning with
parameters.py.
"""

from __future__ import annotations

import argparse
from datetime import date

from pyspark.sql import DataFrame, SparkSession

from jobs.cli import at_least, iso_day, job_parser, run_job, say
from jobs.side_by_side import side_by_side
from jobs.simulation.parameters import Parameters
from jobs.simulation.tables import simulated_tables


def arg_parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    parser = job_parser(__doc__, root=False, ds=False)
    parser.add_argument("--output", required=True, help="folder or URI for the tables; those in it are replaced")
    parser.add_argument("--users", type=at_least(1), default=20_000)
    parser.add_argument("--days", type=at_least(1), default=42)
    parser.add_argument("--sends", type=at_least(1), default=300_000, help="about how many sends to draw")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--start", type=iso_day, default=date(2026, 1, 1), help="first day (UTC), YYYY-MM-DD")
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Draw and write every table."""
    parameters = Parameters(users=args.users, days=args.days, sends=args.sends, seed=args.seed, start=args.start)

    def write(named: tuple[str, DataFrame]) -> None:
        table, rows = named
        rows.write.mode("overwrite").parquet(f"{args.output}/{table}")
        say(f"simulated: {table}")

    side_by_side(write, simulated_tables(spark, parameters))
    spark.catalog.clearCache()


if __name__ == "__main__":
    run_job(arg_parser, run)
