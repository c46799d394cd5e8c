"""What users are asked about, in parts: days that no fold stands for are decoded once a night, for all who ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from pyspark.sql import DataFrame

from features.feature import USER, History
from features.parts import Parts, fitting_buckets, parts_of_files
from features.user_rows import COLUMNS, user_rows
from features.windows import MEMORY_DAYS
from jobs.carried import APP_EVENTS, PUSHES, State, carried_day, read_carried
from jobs.lake import Lake
from jobs.log_note import LogNote
from jobs.past import OUTCOMES

TABLES = {"pushes": PUSHES, "outcomes": OUTCOMES, "app_events": APP_EVENTS}
"""Table of the lake by field of ``History``."""


def with_user_parts(lake: Lake, note: LogNote, past: History, until: date, as_of: date) -> History:
    """Add ``parted`` to what ``jobs.past.read_past`` gives of the same days.

    Parameters
    ----------
    lake : Lake
        Where they are.
    note : LogNote
        The log's tables.
    past : History
        What it gave.
    until, as_of : date
        What it was asked for.
    """
    carried = carried_day(lake, note, as_of)
    unfolded = None if carried is None else carried + timedelta(days=1)
    since = {**dict.fromkeys(TABLES, unfolded), "outcomes": as_of - timedelta(days=MEMORY_DAYS)}
    names = [name for name in COLUMNS if past.has(name)]
    buckets = fitting_buckets(past.pushes)
    parted: dict[str, list[DataFrame | Parts]] = {}
    for name in names:
        files = lake.read_files(TABLES[name], since=since[name], until=until)
        parted[name] = [parts_of_files(files, user_rows(name, past.table(name)), USER, buckets)]
    if "app_events" in parted and carried is not None:
        state = State(APP_EVENTS)
        files = lake.read_files(state.table, since=carried, until=carried)
        like = user_rows("app_events", read_carried(lake, state, carried))
        parted["app_events"].append(parts_of_files(files, like, USER, buckets))
    return replace(past, parted=parted)
