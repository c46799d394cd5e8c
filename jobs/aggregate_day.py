"""Count what became known on a day: daily partials per key and event day, and how pushes ended; integers only.

Users who do what no person can, by the rules of the mapping's [bots], are flagged from that day on.

Days up to --ds that were ingested and not aggregated yet, or not since a day before them was corrected, are done in the
same Spark job; --ds is always done again.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.bots import bot_flags
from features.campaign import categories_by_day
from features.outcomes import push_outcomes
from features.partials import app_partials, push_partials
from jobs.carried import APP_EVENTS, PUSHES, State, carried_day, drop_carried, read_with_carried
from jobs.cli import job_parser, run_job, say
from jobs.corrections import tell_stale
from jobs.ingest_counts import COUNTS
from jobs.lake import Lake
from jobs.log_note import LogNote, days_to_do, read_note
from jobs.past import BOT_FLAGS, OUTCOMES
from jobs.side_by_side import side_by_side


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    return job_parser(__doc__)


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Aggregate up to ``args.ds``."""
    lake = Lake(spark, args.root)
    note = read_note(lake, args.ds)
    days = days_to_do(lake, source=COUNTS, made=PUSHES, ds=args.ds)
    drop_carried(lake, since=days[0])
    span = {"since": days[0], "until": days[-1]}
    of_days = F.col("ds").isin(days)
    recent = {"since": days[0] - timedelta(days=note.rules.maturity_days), "until": days[-1]}
    lately = {table: lake.read(table, **recent) for table in ("sends", "clicks")}
    campaigns, devices, users = (_log(lake, note, table, days) for table in ("campaigns", "devices", "users"))
    app_events = lake.read("app_events", **span).where(of_days) if "app_events" in note.tables else None
    categories = (
        None if campaigns is None else categories_by_day(lately["sends"], lately["clicks"], campaigns).persist()
    )
    outcomes = push_outcomes(lately["sends"], lately["clicks"], categories, note.rules, users=users)
    frames = {OUTCOMES: outcomes.where(of_days)}
    if note.bots.active:
        frames[BOT_FLAGS] = _flags(lake, note, lately["sends"], days).where(of_days)
    if app_events is not None:
        frames[APP_EVENTS] = app_partials(app_events, users)
    side_by_side(lambda table: lake.write(table, frames[table], days), frames)
    sends, clicks = (lake.read(table, **span).where(of_days) for table in ("sends", "clicks"))
    lake.write(PUSHES, push_partials(sends, clicks, categories, devices), days)  # last: days that it holds are done
    if categories is not None:
        categories.unpersist()
    if note.bots.active:
        _tell_flags(lake, days)
    tell_stale(lake)
    say(f"aggregated {len(days)} days, {days[0]} to {days[-1]}")


def _log(lake: Lake, note: LogNote, table: str, days: list[date]) -> DataFrame | None:
    """Read a change log as it was known at the end of these days; None where the log has none."""
    if table not in note.tables:
        return None
    return read_with_carried(lake, State(table), days[-1], carried_day(lake, note, days[0]))


def _flags(lake: Lake, note: LogNote, sends: DataFrame, days: list[date]) -> DataFrame:
    devices, within_days = _log(lake, note, "devices", days), note.rules.maturity_days
    since = days[0] - timedelta(days=note.bots.days_to_read(within_days))
    clicks = lake.read("clicks", since=since, until=days[-1])
    return bot_flags(clicks, devices, note.bots, within_days=within_days, sends=sends)


def _tell_flags(lake: Lake, days: list[date]) -> None:
    flags = lake.read(BOT_FLAGS, since=days[0], until=days[-1])
    sums = (F.countDistinct("user_id").alias("users"), F.sum("times").alias("times"))
    for row in flags.groupBy("rule").agg(*sums).orderBy("rule").collect():
        say(f"flagged as bots by {row['rule']}: {row['users']:,} users, {row['times']:,} times")


if __name__ == "__main__":
    run_job(arg_parser, run)
