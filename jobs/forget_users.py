"""Take the users of the table deletions out of the lake: those who were known by the end of --ds to have asked for it.

Rows of theirs go from every table, on every day, whether found by user, by send (waiting clicks) or by a value
in the row's text (quarantine: also by a device that nobody else had; anomalies: by any device of theirs). Only
partitions with such rows are written again, and at the end every file that no pointer names is deleted.

What was summed over them is made again without them: daily partials lose their rows; histories and states of
campaigns and devices, and priors, are read again from what is left. Other users' pushes stay with the model, OS
version and platform that their device was known to have, and their requests with the device that was chosen; their
rows of training sets, scores, predictions and flags of bots stay as they were used, and so do counts, measures, maps
of the embedding (dots without a name), reports and models, none of which has rows of users. Embeddings and models
that were trained on them are not deleted but named, here and in ROOT/forgotten/ds=DAY.json.

Kept are deletions, by which ingest drops the users' rows from now on, and your own log: it is not this job's. A
click whose send is not in the lake cannot be known as theirs. Run it again after a kill. Nothing else may write
meanwhile.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.catalogue import blocks_of, keys_of
from features.feature import History, Key
from features.forgetting import (
    THEIRS,
    history_without,
    only_theirs,
    read_again,
    touched_since,
    with_named,
    with_summed,
    with_theirs,
)
from features.rows import PRIORS, history_table, priors_of
from jobs.carried import PUSHES, drop_carried
from jobs.cli import add_tracking_argument, job_parser, run_job, say
from jobs.errors import BadInput
from jobs.flag_anomalies import ANOMALIES
from jobs.forgotten import DELETIONS
from jobs.lake import Lake
from jobs.log_note import LogNote, note_days, read_note
from jobs.past import read_past
from jobs.prune_lake import ARTEFACTS, FAMILIES
from jobs.registry import Registry
from jobs.score_users import LAYOUT, SCORES
from jobs.side_by_side import side_by_side
from jobs.train_click_models import CANDIDATES, VALIDATION_PREDICTIONS
from jobs.trained_on import Trained, traces_of, trained_on

HOLDERS = ("sends", "app_events", "devices", "opt_outs", PUSHES)
"""Tables that say which users had a device."""

RANKED: tuple[Key, ...] = (("campaign_id",), ("platform", "os_version"))
"""Keys whose histories say where a thing stands among the others: one that they never met moves up without them."""

FORGOTTEN = "forgotten"
"""JSON artefact of a day: ``trained_on``, by version."""


@dataclass(frozen=True)
class Change:
    """What happens to a table.

    Parameters
    ----------
    table : str
        Name of the table.
    mark : callable
        Adds ``is_theirs`` to its rows.
    again : callable, optional
        Makes rows in place of those that are theirs; by default they are gone.
    """

    table: str
    mark: Callable[[DataFrame], DataFrame]
    again: Callable[[DataFrame], DataFrame] | None = None

    def __call__(self, rows: DataFrame) -> DataFrame:
        """Give the rows as they are to be."""
        marked = self.mark(rows)
        kept, theirs = (marked.where(F.col(THEIRS) == is_theirs).drop(THEIRS) for is_theirs in (False, True))
        return kept if self.again is None else kept.unionByName(self.again(theirs))


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    add_tracking_argument(parser)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Forget the users who asked for it up to ``args.ds``."""
    lake, registry = Lake(spark, args.root), Registry(args.root, args.tracking_uri)
    users = _users(lake, args.ds).persist()
    say(f"{users.count():,} users asked to be forgotten up to {args.ds}")
    note = read_note(lake, note_days(lake)[-1])
    drop_carried(lake, since=date.min)
    past = read_past(lake, note, lake.days(PUSHES)[-1]) if lake.days(PUSHES) else None
    if past is not None:
        _name_trained(lake, registry, trained_on(lake, registry, traces_of(past, users)), args.ds)
    # The second stage removes what the first one finds rows by, so a killed run can be run again.
    first = [*_by_other_ids(lake, users), *(_sums(lake, note, past, users) if past else [])]
    for stage in (first, _by_user(lake, users)):
        side_by_side(lambda change: _apply(lake, change), stage)
    _forget_predictions(lake, users)
    for table in _all_tables(lake):
        lake.keep(table, lake.days(table))
    users.unpersist()


def _users(lake: Lake, ds: date) -> DataFrame:
    if not lake.days(DELETIONS):
        raise BadInput(f"expected the table {DELETIONS!r} in {lake.root}; its log has none: nobody is to be forgotten")
    return lake.read(DELETIONS, until=ds).select("user_id").distinct()


def _name_trained(lake: Lake, registry: Registry, found: Sequence[Trained], ds: date) -> None:
    """Say and store what was trained on them, beside what an earlier run found."""
    champion = registry.champion()
    of_champion = champion.bundle_version if champion else None
    named = {of.version: f"{of.name} of {of.ds}{', champion' * (of.version == of_champion)}" for of in found}
    for version, name in named.items():
        say(f"trained on them: {version}, {name}")
    before = lake.get_json(FORGOTTEN, ds) if ds in lake.json_days(FORGOTTEN) else {}
    lake.put_json(FORGOTTEN, ds, {"trained_on": {**before.get("trained_on", {}), **named}})


def _all_tables(lake: Lake) -> list[str]:
    return [table for family in ("", *FAMILIES) for table in lake.tables(family)]


def _with_user(lake: Lake) -> list[str]:
    tables = [table for table in _all_tables(lake) if table not in (*ARTEFACTS, DELETIONS) and lake.days(table)]
    return [table for table in tables if "user_id" in lake.read(table).columns]


def _by_user(lake: Lake, users: DataFrame) -> list[Change]:
    return [Change(table, lambda rows: with_theirs(rows, users)) for table in _with_user(lake)]


def _by_other_ids(lake: Lake, users: DataFrame) -> list[Change]:
    """Find waiting clicks by their send, rejected rows by any value that is an id of a user, a send or a device.

    Flagged devices are found even if others had them too: what sticks out of them is what all of them did.
    """
    sends = lake.read("sends").join(users, "user_id", how="left_semi").select("send_id")
    held = [lake.read(table) for table in HOLDERS if lake.days(table)]
    holders = reduce(DataFrame.union, (rows.select("device_id", "user_id") for rows in held))
    ids = users.union(sends).union(only_theirs(holders, "device_id", users))
    changes = [
        Change("pending", lambda rows: with_theirs(rows, sends)),
        Change("quarantine", lambda rows: with_named(rows, "raw_row", ids)),
    ]
    if not lake.days(ANOMALIES):
        return changes
    devices = holders.join(users, "user_id", how="left_semi").select("device_id")
    flagged = users.union(devices).toDF("id")
    return [*changes, Change(ANOMALIES, lambda rows: with_theirs(rows, flagged))]


def _sums(lake: Lake, note: LogNote, past: History, users: DataFrame) -> list[Change]:
    """Read again what was summed over them and others."""
    others = history_without(past, users)
    changes = [_sum(key, note, past, others, users) for key in keys_of(note.has) if "user_id" not in key]
    counted = [frame.select("user_id", "ds") for frame in (past.pushes, past.app_events) if frame is not None]
    touched = touched_since(reduce(DataFrame.union, counted), (), users)
    changes.append(
        Change(
            PRIORS,
            lambda rows: with_summed(rows, (), touched),
            lambda rows: priors_of(rows.select("as_of", "ds"), others, note.has),
        )
    )
    return [change for change in changes if lake.days(change.table)]


def _sum(key: Key, note: LogNote, past: History, others: History, users: DataFrame) -> Change:
    blocks, together = [block for block in blocks_of(note.has) if block.key == key], () if key in RANKED else key
    read = {"pushes" if block.prior_level or not together else block.table for block in blocks}
    summed = [past.table(name) for name in sorted(read) if "user_id" in past.table(name).columns]
    rows_of_key = reduce(DataFrame.union, (rows.select(*key, "user_id", "ds") for rows in summed))
    touched = touched_since(rows_of_key, together, users)
    return Change(
        history_table(key),
        lambda rows: with_summed(rows, together, touched),
        lambda rows: read_again(rows, key, others, note.has),
    )


def _apply(lake: Lake, change: Change) -> None:
    theirs = change.mark(lake.read(change.table)).where(THEIRS)
    found = {day: n for day, n in theirs.groupBy("ds").count().collect()}
    if found:
        lake.change(change.table, found, change, **(LAYOUT if change.table == SCORES else {}))
        what = "removed" if change.again is None else "read again without them"
        say(f"{change.table}: {sum(found.values()):,} rows of {len(found)} days {what}")


def _forget_predictions(lake: Lake, users: DataFrame) -> None:
    """Take their rows out of the validation predictions, which lie beside the candidates."""
    theirs = pa.array((user for (user,) in users.collect()), pa.string())
    for ds in lake.days(CANDIDATES):
        folder = lake.get_folder(CANDIDATES, ds)
        table = pq.read_table(folder / VALIDATION_PREDICTIONS)
        kept = table.filter(pc.invert(pc.is_in(table["user_id"], value_set=theirs)))
        if len(kept) < len(table):
            with tempfile.TemporaryDirectory() as work:
                changed = Path(shutil.copytree(folder, Path(work) / CANDIDATES))
                pq.write_table(kept, changed / VALIDATION_PREDICTIONS)
                lake.put_folder(CANDIDATES, ds, changed)
            say(f"{CANDIDATES}: {len(table) - len(kept):,} validation predictions of {ds} removed")


if __name__ == "__main__":
    run_job(arg_parser, run)
