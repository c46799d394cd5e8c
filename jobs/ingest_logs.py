"""Bring a log into the lake: contract tables by the day each row became known.

Rows that break the contract go to ``quarantine`` with the reason (a row whose clocks tell no day: once, by the first
run that meets it), duplicates are dropped, clicks whose send is not known yet wait in ``pending``. Rows of users in
``deletions`` are dropped, whatever their day. For every table: read = accepted + quarantined + duplicates + not yet
known + forgotten.

The first run ingests every day up to --ds, a later one the days since the last; a day that is run again is replaced.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping as MappingType
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.attribution import with_first_click, with_send
from features.bots import with_impossible
from features.contract import TABLES
from features.duplicates import with_duplicate
from features.validation import REASON
from jobs.carried import drop_carried
from jobs.cli import at_least, job_parser, run_job, say
from jobs.errors import BadInput
from jobs.forgotten import Forgotten, forgotten_of, with_forgotten
from jobs.ingest_counts import (
    ACCEPTED,
    COUNTS,
    DUPLICATE,
    FORGOTTEN,
    NOT_YET_KNOWN,
    QUARANTINED,
    counts_frame,
    day_counts,
    told,
)
from jobs.intake import EARLIER, NEW, Scope, check_bad_share, scope_of, typed_rows, with_status
from jobs.lake import Lake
from jobs.log_note import LogNote, note_days, read_note, write_note
from jobs.mapping import Mapping, read_mapping
from jobs.side_by_side import side_by_side
from jobs.source import RAW_ROW
from jobs.undated import QUARANTINE, with_undated_once


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument("--mapping", required=True, help="a shipped mapping by name, or the path of a .toml file")
    parser.add_argument("--input", required=True, help="file, folder or URI that the mapping's sources are relative to")
    parser.add_argument(
        "--dedup-days", type=at_least(1), default=35, help="how far back duplicates and sends of clicks are sought"
    )
    parser.add_argument(
        "--max-bad-share", type=float, default=0.5, help="share of bad rows in a table above which nothing is written"
    )
    parser.add_argument(
        "--max-days-ahead", type=at_least(1), default=3_650, help="days after --ds from which on a clock must be wrong"
    )
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Ingest up to ``args.ds``."""
    lake = Lake(spark, args.root)
    mapping = read_mapping(args.mapping)
    _check_same_rules(lake, mapping, args.ds)
    latest = args.ds + timedelta(days=args.max_days_ahead)
    typed = {table: typed_rows(spark, mapping, table, args.input, latest) for table in mapping.tables}
    typed["sends"].persist()
    scope = scope_of(typed["sends"], args.ds, lake.days(COUNTS), args.input)
    results, kept = _results(lake, typed, scope, mapping, args.dedup_days)
    counts = dict(zip(results, side_by_side(day_counts, results.values()), strict=True))
    for table, rows in results.items():
        check_bad_share(table, rows, counts[table], args.max_bad_share)
    _write(lake, results, scope)
    write_note(lake, args.ds, _note(mapping))
    lake.write(COUNTS, counts_frame(spark, counts), scope.days)
    for table, by_day in counts.items():
        say(told(table, by_day))
    for rows in (typed["sends"], *kept):
        rows.unpersist()


def _check_same_rules(lake: Lake, mapping: Mapping, ds: date) -> None:
    earlier = [day for day in note_days(lake) if day < ds]
    if not earlier:
        return
    before, now = read_note(lake, earlier[-1]), _note(mapping)
    sections = {
        "time": (before.rules, now.rules), "bots": (before.bots, now.bots),
        "app_events.kinds": (before.kinds, now.kinds),
    }  # fmt: skip
    for section, (was, gives) in sections.items():
        if was != gives:
            raise BadInput(
                f"mapping {mapping.name}: [{section}] gives {gives}, {lake.root} was made with {was}; use another root"
            )


def _note(mapping: Mapping) -> LogNote:
    tables = tuple(sorted(mapping.tables))
    return LogNote(mapping.name, mapping.time.rules(), tables, mapping.bots.rules(), mapping.kinds)


def _results(
    lake: Lake, typed: MappingType[str, DataFrame], scope: Scope, mapping: Mapping, dedup_days: int
) -> tuple[dict[str, DataFrame], list[DataFrame]]:
    """Settle each row of this run: contract columns, ``status``, ``reason``, ``raw_row``, ``ds``.

    Also gives what was persisted on the way.
    """
    forgotten = forgotten_of(lake, typed, scope, _before(lake, "sends", scope, dedup_days))
    waited = _waited(lake, scope)
    judged = {}
    for table, rows in typed.items():
        rows = with_forgotten(with_status(rows, scope), table, forgotten)
        before = _before(lake, table, scope, dedup_days)
        if table == "clicks" and waited is not None:
            before = waited if before is None else before.unionByName(waited, allowMissingColumns=True)
        judged[table] = _without_duplicates(table, rows, before, dedup_days).persist()
    results = with_undated_once(lake, judged, scope)
    settled = _with_sends(lake, results, waited, scope, mapping, dedup_days, forgotten).persist()
    return {**results, "clicks": settled}, [*judged.values(), settled]


def _without_duplicates(table: str, rows: DataFrame, before: DataFrame | None, dedup_days: int) -> DataFrame:
    contract = TABLES[table]
    kept = rows.where(F.col("status") != EARLIER)
    marked = with_duplicate(
        kept.where(F.col("status") == NEW),
        key=contract.key,
        known_time=contract.known_time,
        within_days=dedup_days,
        accepted_before=before,
    )
    status = F.when(F.col("is_duplicate"), F.lit(DUPLICATE)).otherwise(F.lit(ACCEPTED))
    settled = marked.withColumn("status", status).drop("is_duplicate")
    return settled.unionByName(kept.where(F.col("status") != NEW))


def _before(lake: Lake, table: str, scope: Scope, days_back: int) -> DataFrame | None:
    days = [day for day in lake.days(table) if 0 < (scope.start - day).days <= days_back]
    return lake.read(table, since=days[0], until=days[-1]) if days else None


def _waited(lake: Lake, scope: Scope) -> DataFrame | None:
    """Read the clicks that waited for their send before this run, dated by the day they became known."""
    days = [day for day in lake.days("pending") if day < scope.start]
    if not days:
        return None
    return lake.read("pending", since=days[-1], until=days[-1]).drop("ds").withColumnRenamed("waiting_since", "ds")


def _with_sends(
    lake: Lake,
    results: MappingType[str, DataFrame],
    waited: DataFrame | None,
    scope: Scope,
    mapping: Mapping,
    dedup_days: int,
    forgotten: Forgotten | None,
) -> DataFrame:
    """Join clicks (new ones, and those that waited) to their sends, and mark the first click of each."""
    clicks = results["clicks"]
    fresh = clicks.where(F.col("status") == ACCEPTED).drop("status", REASON, RAW_ROW)
    if waited is not None:
        judged = with_forgotten(waited.withColumn("status", F.lit(NEW)), "clicks", forgotten)
        fresh = fresh.unionByName(judged.where(F.col("status") == NEW).drop("status"))
        dropped = judged.where(F.col("status") == FORGOTTEN).withColumn("ds", F.lit(scope.start))
        clicks = clicks.unionByName(dropped, allowMissingColumns=True)
    sends = results["sends"].where(F.col("status") == ACCEPTED).drop("status", REASON, RAW_ROW)
    sends_before = _before(lake, "sends", scope, dedup_days)
    known_sends = sends if sends_before is None else sends.unionByName(sends_before)
    waiting_since = fresh.withColumn("waiting_since", F.col("ds"))
    wait_days = max(1, mapping.time.rules().maturity_days)
    joined = with_send(waiting_since, known_sends, wait_days=wait_days, within_days=dedup_days)
    waits = (F.col(REASON) == "unknown_send") & (F.col("ds") > F.lit(scope.last))
    status = F.when(waits, F.lit(NOT_YET_KNOWN)).when(F.col(REASON).isNotNull(), F.lit(QUARANTINED)).otherwise(ACCEPTED)
    judged = joined.withColumn("status", status).withColumn("ds", F.least("ds", F.lit(scope.last)))
    clicked = _before(lake, "clicks", scope, dedup_days)
    first = with_first_click(
        with_impossible(judged.where(F.col("status") == ACCEPTED), mapping.bots.rules()),
        None if clicked is None else clicked.where("is_first_click").select("send_id").distinct(),
    )
    settled = first.unionByName(judged.where(F.col("status") != ACCEPTED), allowMissingColumns=True)
    rejected = F.when(F.col("status") == QUARANTINED, F.to_json(F.struct(*TABLES["clicks"].column_names)))
    return settled.withColumn(RAW_ROW, rejected).unionByName(
        clicks.where(F.col("status") != ACCEPTED), allowMissingColumns=True
    )


def _write(lake: Lake, results: MappingType[str, DataFrame], scope: Scope) -> None:
    accepted = {
        table: rows.where(F.col("status") == ACCEPTED).drop("status", REASON, RAW_ROW, "waiting_since")
        for table, rows in results.items()
    }
    rejected = (
        rows.where(F.col("status") == QUARANTINED).select(F.lit(table).alias("table"), REASON, RAW_ROW, "ds")
        for table, rows in results.items()
    )
    drop_carried(lake, since=scope.start)
    frames = {**accepted, QUARANTINE: reduce(DataFrame.unionByName, rejected)}
    side_by_side(lambda table: lake.write(table, frames[table], scope.days), frames)
    lake.write("pending", _waiting(results["clicks"], scope), scope.days)


def _waiting(clicks: DataFrame, scope: Scope) -> DataFrame:
    """Give the clicks that wait for their send at the end of each day of the run."""
    since = F.greatest("waiting_since", F.lit(scope.start))
    until = F.when(F.col("status") == NOT_YET_KNOWN, F.lit(scope.last)).otherwise(F.date_sub("ds", 1))
    day = F.explode(F.sequence(since, until)).alias("ds")
    return clicks.where(F.col("waiting_since").isNotNull() & (since <= until)).select(
        *TABLES["clicks"].column_names, "waiting_since", day
    )


if __name__ == "__main__":
    run_job(arg_parser, run)
