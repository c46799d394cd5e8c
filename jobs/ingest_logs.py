"""Bring a log into the lake: contract tables by the day each row became known.

Rows that break the contract go to ``quarantine`` with the reason (a row whose clocks tell no day: once, by the first
run that meets it), duplicates are dropped, clicks whose send is not known yet wait in ``pending``. Rows of users in
``deletions`` are dropped, whatever their day. For every table: read = accepted + quarantined + duplicates + not yet
known + forgotten.

The first run ingests every day up to --ds, a later one the days since the last; a day that is run again is replaced. If
it differs from what it was, later days depend on it: the job says which to run again. Columns of the source that are
new, gone or of another type than at the ingest before are told one by one, and kept in ROOT/ingest/ds=DAY.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping as MappingType
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.contract import TABLES
from features.duplicates import with_duplicate
from features.validation import REASON
from jobs.carried import drop_carried
from jobs.cli import at_least, job_parser, run_job, say
from jobs.click_intake import clicks_before, rows_before, waited_before, waiting, with_sends
from jobs.corrections import mark_corrected, settle_ingested, stale_days
from jobs.drift import columns_of, drift
from jobs.errors import BadInput
from jobs.forgotten import forgotten_of, with_forgotten
from jobs.ingest_counts import (
    ACCEPTED,
    COUNTS,
    DUPLICATE,
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
from jobs.source import RAW_ROW, check_columns, read_sources
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
    before = _note_before(lake, mapping, args.ds)
    sources = read_sources(spark, mapping, args.input)
    note = _note(mapping, sources, before)
    check_columns(mapping, sources, args.input)
    latest = args.ds + timedelta(days=args.max_days_ahead)
    typed = {table: typed_rows(mapping, table, raw, args.input, latest) for table, raw in sources.items()}
    typed["sends"].persist()
    stale = stale_days(lake, until=args.ds)
    scope = scope_of(typed["sends"], args.ds, lake.days(COUNTS), args.input, stale)
    results, kept = _results(lake, typed, scope, mapping, args.dedup_days)
    counts = dict(zip(results, side_by_side(day_counts, results.values()), strict=True))
    for table, rows in results.items():
        check_bad_share(table, rows, counts[table], args.max_bad_share)
    _write(lake, results, scope)
    write_note(lake, args.ds, note)
    lake.write(COUNTS, counts_frame(spark, counts), scope.days)
    for table, by_day in counts.items():
        say(told(table, by_day))
    settle_ingested(lake, scope)
    for rows in (typed["sends"], *kept):
        rows.unpersist()


def _note_before(lake: Lake, mapping: Mapping, ds: date) -> LogNote | None:
    """Give the note of the ingest before, whose rules must be those of the mapping."""
    earlier = [day for day in note_days(lake) if day < ds]
    if not earlier:
        return None
    before = read_note(lake, earlier[-1])
    rules = (
        ("time", before.rules, mapping.time.rules()),
        ("bots", before.bots, mapping.bots.rules()),
        ("app_events.kinds", before.kinds, mapping.kinds),
    )
    for section, was, gives in rules:
        if was != gives:
            raise BadInput(
                f"mapping {mapping.name}: [{section}] gives {gives}, {lake.root} was made with {was}; use another root"
            )
    return before


def _note(mapping: Mapping, sources: MappingType[str, DataFrame], before: LogNote | None) -> LogNote:
    """Make the note of the day, and say what differs in the sources since the one before."""
    columns = {table: columns_of(raw) for table, raw in sources.items()}
    found = [] if before is None else drift(before.columns, columns)
    for line in found:
        say(line)
    tables, rules, bots = tuple(sorted(mapping.tables)), mapping.time.rules(), mapping.bots.rules()
    return LogNote(mapping.name, rules, tables, bots, mapping.kinds, columns, tuple(found))


def _results(
    lake: Lake, typed: MappingType[str, DataFrame], scope: Scope, mapping: Mapping, dedup_days: int
) -> tuple[dict[str, DataFrame], list[DataFrame]]:
    """Settle each row of this run: contract columns, ``status``, ``reason``, ``raw_row``, ``ds``.

    Also gives what was persisted on the way.
    """
    forgotten = forgotten_of(lake, typed, scope, rows_before(lake, "sends", scope, dedup_days))
    waited = waited_before(lake, scope)
    judged = {}
    for table, rows in typed.items():
        rows = with_forgotten(with_status(rows, scope), table, forgotten)
        before = rows_before(lake, table, scope, dedup_days)
        if table == "clicks":
            before = clicks_before(lake, before, waited, mapping)
        judged[table] = _without_duplicates(table, rows, before, dedup_days).persist()
    results = with_undated_once(lake, judged, scope)
    settled = with_sends(lake, results, waited, scope, mapping, dedup_days, forgotten).persist()
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


def _write(lake: Lake, results: MappingType[str, DataFrame], scope: Scope) -> None:
    accepted = {
        table: rows.where(F.col("status") == ACCEPTED).drop("status", REASON, RAW_ROW, "waiting_since")
        for table, rows in results.items()
    }
    rejected = (
        rows.where(F.col("status") == QUARANTINED).select(F.lit(table).alias("table"), REASON, RAW_ROW, "ds")
        for table, rows in results.items()
    )
    frames = {**accepted, "pending": waiting(results["clicks"], scope)}
    mark_corrected(lake, frames, scope)
    drop_carried(lake, since=scope.start)
    frames[QUARANTINE] = reduce(DataFrame.unionByName, rejected)
    side_by_side(lambda table: lake.write(table, frames[table], scope.days), frames)


if __name__ == "__main__":
    run_job(arg_parser, run)
