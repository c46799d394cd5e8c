"""Count what became known on a day: daily partials per user, device, campaign and event day, integers only.

Days up to --ds that were ingested and not aggregated yet are done in the same Spark job; --ds is always done again.
"""

from __future__ import annotations

import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.campaign import categories_by_day
from features.partials import app_event_partials, push_partials
from jobs.cli import job_parser, run_job, say
from jobs.ingest_counts import COUNTS
from jobs.lake import Lake
from jobs.log_note import days_to_do, read_note

PUSHES, APP_EVENTS = "push_partials", "app_event_partials"


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    return job_parser(__doc__)


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Aggregate up to ``args.ds``."""
    lake = Lake(spark, args.root)
    tables = read_note(lake, args.ds).tables
    days = days_to_do(lake, source=COUNTS, made=PUSHES, ds=args.ds)
    span = {"since": days[0], "until": days[-1]}
    of_days = F.col("ds").isin(days)
    if "app_events" in tables:
        lake.write(APP_EVENTS, app_event_partials(lake.read("app_events", **span).where(of_days)), days)
    sends, clicks = (lake.read(table, **span).where(of_days) for table in ("sends", "clicks"))
    categories = categories_by_day(sends, clicks, lake.read("campaigns")) if "campaigns" in tables else None
    lake.write(PUSHES, push_partials(sends, clicks, categories), days)
    say(f"aggregated {len(days)} days, {days[0]} to {days[-1]}")


if __name__ == "__main__":
    run_job(arg_parser, run)
