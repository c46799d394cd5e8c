"""Count what became known on a day: daily partials per user, device, campaign and event day, integers only.

Days up to --ds that were ingested and not aggregated yet are done in the same Spark job; --ds is always done again.
"""

from __future__ import annotations

import argparse

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.change_logs import latest_as_of
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
    categories = _categories(lake, sends, clicks) if "campaigns" in tables else None
    lake.write(PUSHES, push_partials(sends, clicks, categories), days)
    say(f"aggregated {len(days)} days, {days[0]} to {days[-1]}")


def _categories(lake: Lake, sends: DataFrame, clicks: DataFrame) -> DataFrame:
    """Give ``campaign_id, ds, category`` as known at the midnight that ends each ``ds``."""
    active = sends.select("campaign_id", "ds").union(clicks.select("campaign_id", "ds")).distinct()
    keys = active.select("campaign_id", F.date_add("ds", 1).alias("as_of"))
    known = latest_as_of(keys, lake.read("campaigns"), key="campaign_id", columns=("category",))
    return known.select("campaign_id", F.date_sub("as_of", 1).alias("ds"), "category")


if __name__ == "__main__":
    run_job(arg_parser, run)
