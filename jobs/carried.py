"""Carried state: tables that stand for the old days of others, so that a night reads the same however long the log is.

``carried_TABLE/ds=F`` stands for all days of TABLE up to F (see ``features.folding``). It is made of the one before and
the days since, about twice a month, when no window reaches those days any more. Without it all days are read, and it is
made from them: it is never more than a copy. A job that is about to write an old day again drops it first.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame

from features.folding import folded, last_foldable
from jobs.lake import Lake
from jobs.log_note import LogNote
from jobs.side_by_side import side_by_side

PUSHES, APP_EVENTS, APP_HOURS = "push_partials", "app_event_partials", "app_event_hours"

FIELDS = {
    PUSHES: "pushes", APP_EVENTS: "app_events", APP_HOURS: "app_hours",
    "users": "users", "devices": "devices", "campaigns": "campaigns",
}  # fmt: skip
"""What is carried: the field of ``History`` of each table."""

CARRIED = tuple(f"carried_{table}" for table in FIELDS)

FOLD_DAYS = 14
"""Days that pile up before they are folded."""

LATE_DAYS = 7
"""Sends that become known so late are still answered from the newest fold; later ones from the one before."""

_CONTRACT_TABLES = {PUSHES: "sends", APP_EVENTS: "app_events", APP_HOURS: "app_events"}


def carried_day(lake: Lake, note: LogNote, as_of: date) -> date | None:
    """Give the last day that is folded, of those that serve requests from a midnight on; None: nothing is."""
    folds = (set(lake.days(f"carried_{table}")) for table in carried_tables(note))
    usable = {day for day in set.intersection(*folds) if day <= last_foldable(as_of)}
    return max(usable, default=None)


def read_with_carried(lake: Lake, table: str, until: date, carried: date | None) -> DataFrame:
    """Read a table up to a day, included, with the days up to ``carried`` as they were folded."""
    if carried is None:
        return lake.read(table, until=until)
    fold = lake.read(f"carried_{table}", since=carried, until=carried)
    later = [day for day in lake.days(table) if carried < day <= until]
    if not later:
        return fold
    return fold.unionByName(lake.read(table, since=later[0], until=until), allowMissingColumns=True)


def carried_due(ds: date) -> date:
    """Give the last day that the nights after ``ds`` will not need."""
    return last_foldable(ds + timedelta(days=1) - timedelta(days=LATE_DAYS))


def carry(lake: Lake, note: LogNote, ds: date) -> date | None:
    """Fold the days that the nights after ``ds`` will not need, if enough have piled up; the last one of them."""
    due = carried_due(ds)
    before = carried_day(lake, note, ds)
    start = before or lake.days(PUSHES)[0]
    if (due - start).days < FOLD_DAYS:
        return None
    fold_until(lake, note, due, before)
    return due


def fold_until(lake: Lake, note: LogNote, due: date, before: date | None) -> None:
    """Write the fold of all days up to ``due`` from that of ``before`` and the days since; keep these two."""

    def fold(table: str) -> None:
        rows = read_with_carried(lake, table, due, before)
        lake.write(f"carried_{table}", folded(FIELDS[table], rows, due), [due])
        lake.keep(f"carried_{table}", [day for day in (before, due) if day])

    side_by_side(fold, carried_tables(note))


def drop_carried(lake: Lake, since: date) -> None:
    """Drop the folds that hold a day or a later one: what they were made of is about to change."""
    for table in CARRIED:
        days = lake.days(table)
        if days and days[-1] >= since:
            lake.keep(table, [day for day in days if day < since])


def carried_tables(note: LogNote) -> list[str]:
    """Give the tables of a log that are carried."""
    return [table for table in FIELDS if _CONTRACT_TABLES.get(table, table) in note.tables]
