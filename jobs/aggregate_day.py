"""Count what became known on a day: daily partials per key and event day, and how pushes ended; integers only.

Days up to --ds that were ingested and not aggregated yet are done in the same Spark job; --ds is always done again.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.campaign import categories_by_day
from features.outcomes import push_outcomes
from features.partials import app_event_hours, app_event_partials, push_partials
from features.time_rules import TimeRules
from jobs.carried import APP_EVENTS, PUSHES, carried_day, drop_carried, read_with_carried
from jobs.cli import job_parser, run_job, say
from jobs.ingest_counts import COUNTS
from jobs.lake import Lake
from jobs.log_note import LogNote, days_to_do, read_note
from jobs.past import APP_HOURS, OUTCOMES


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    return job_parser(__doc__)


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Aggregate up to ``args.ds``."""
    lake = Lake(spark, args.root)
    note = read_note(lake, args.ds)
    tables = note.tables
    days = days_to_do(lake, source=COUNTS, made=PUSHES, ds=args.ds)
    drop_carried(lake, since=days[0])
    span = {"since": days[0], "until": days[-1]}
    of_days = F.col("ds").isin(days)
    if "app_events" in tables:
        app_events = lake.read("app_events", **span).where(of_days)
        lake.write(APP_EVENTS, app_event_partials(app_events), days)
        lake.write(APP_HOURS, app_event_hours(app_events), days)
    sends, clicks = (lake.read(table, **span).where(of_days) for table in ("sends", "clicks"))
    categories = categories_by_day(sends, clicks, _campaigns(lake, note, days)) if "campaigns" in tables else None
    lake.write(PUSHES, push_partials(sends, clicks, categories), days)
    lake.write(OUTCOMES, _outcomes(lake, note.rules, days).where(of_days), days)
    say(f"aggregated {len(days)} days, {days[0]} to {days[-1]}")


def _campaigns(lake: Lake, note: LogNote, days: list[date]) -> DataFrame:
    return read_with_carried(lake, "campaigns", days[-1], carried_day(lake, note, days[0]))


def _outcomes(lake: Lake, rules: TimeRules, days: list[date]) -> DataFrame:
    """Outcomes of the sends that may have ended on these days, and of some that ended on others."""
    sent = {"since": days[0] - timedelta(days=rules.maturity_days), "until": days[-1]}
    return push_outcomes(lake.read("sends", **sent), lake.read("clicks", **sent), rules)


if __name__ == "__main__":
    run_job(arg_parser, run)
