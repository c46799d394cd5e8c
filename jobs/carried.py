"""Carried state: tables that stand for the old days of others, so that a night reads the same however long the log is.

``carried_TABLE/ds=F`` stands for all days of TABLE up to F (see ``features.folding``); pushes are carried by several
keys. It is made of the one before and the days since, about twice a month, when no window reaches those days any more.
Without it all days are read, and it is made from them: it is never more than a copy. A job that is about to write an
old day again drops it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame

from features.feature import PAIR, Key
from features.folding import PUSH_FOLDS, folded, folded_pushes, last_foldable, summed
from features.rows import name_of_key
from jobs.lake import Lake
from jobs.log_note import LogNote
from jobs.side_by_side import side_by_side

PUSHES, APP_EVENTS = "push_partials", "app_partials"

FIELDS = {APP_EVENTS: "app_events", "users": "users", "devices": "devices", "campaigns": "campaigns"}
"""What is carried as one table: the field of ``History`` of each."""


@dataclass(frozen=True)
class State:
    """One carried table: what it stands for, and, of pushes, by what key."""

    of: str
    key: Key = ()

    @property
    def table(self) -> str:
        """Name of the carried table."""
        return f"carried_{self.of}" + (f"_by_{name_of_key(self.key)}" if self.key else "")

    def fold(self, rows: DataFrame, until: date) -> DataFrame:
        """Fold rows of the table, some of them perhaps folded before."""
        return folded_pushes(rows, self.key, until) if self.key else folded(FIELDS[self.of], rows, until)


STATES = (*(State(PUSHES, key) for key in PUSH_FOLDS), *map(State, FIELDS))
SUMS = "carried_sums_by_user"
PRIOR_SUMS = "prior_sums"
"""Not a fold, but made from days before and dropped with them; see ``jobs.prior_sums``."""
CARRIED = (*(state.table for state in STATES), SUMS)

BY_CAMPAIGN: Mapping[str, Any] = {"by": ("campaign_id",), "group_rows": 50_000}
"""How pairs of user and campaign lie in their files: a night reads those of a few campaigns."""

FOLD_DAYS = 14
"""Days that pile up before they are folded."""

LATE_DAYS = 7
"""Sends that become known so late are still answered from the newest fold; later ones from the one before."""

_CONTRACT_TABLES = {PUSHES: "sends", APP_EVENTS: "app_events"}


def carried_day(lake: Lake, note: LogNote, as_of: date) -> date | None:
    """Give the last day that is folded, of those that serve requests from a midnight on; None: nothing is."""
    folds = (set(lake.days(table)) for table in _tables(note))
    usable = {day for day in set.intersection(*folds) if day <= last_foldable(as_of)}
    return max(usable, default=None)


def old_pushes(lake: Lake, carried: date | None) -> dict[Key, DataFrame]:
    """Read what stands for pushes up to a day, by the columns that tell them apart."""
    return {} if carried is None else {state.key: _read(lake, state.table, carried) for state in STATES if state.key}


def old_sums(lake: Lake, carried: date | None) -> DataFrame | None:
    """Read what they sum up to by user."""
    return None if carried is None else _read(lake, SUMS, carried)


def read_since(lake: Lake, table: str, until: date, carried: date | None) -> DataFrame:
    """Read the days of a table that no fold stands for, up to one, included."""
    if carried is None:
        return lake.read(table, until=until)
    later = carried + timedelta(days=1)
    if any(later <= day <= until for day in lake.days(table)):
        return lake.read(table, since=later, until=until)
    return lake.read(table, until=until).where("false")


def read_with_carried(lake: Lake, state: State, until: date, carried: date | None) -> DataFrame:
    """Read a table up to a day, included, with the days up to ``carried`` as they were folded."""
    since = read_since(lake, state.of, until, carried)
    if carried is None:
        return since
    return read_carried(lake, state, carried).unionByName(since, allowMissingColumns=True)


def read_carried(lake: Lake, state: State, carried: date) -> DataFrame:
    """Read what stands for the days of a table up to one."""
    return _read(lake, state.table, carried)


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

    def fold(state: State) -> None:
        rows = read_with_carried(lake, state, due, before)
        layout = BY_CAMPAIGN if {*PAIR} <= {*state.key} else {}
        lake.write(state.table, state.fold(rows, due), [due], **layout)

    side_by_side(fold, _states(note))
    lake.write(SUMS, summed(old_pushes(lake, due)), [due])
    for table in _tables(note):
        lake.keep(table, [day for day in (before, due) if day])


def drop_carried(lake: Lake, since: date) -> None:
    """Drop the folds and sums that hold a day or a later one: what they were made of is about to change."""
    for table in (*CARRIED, PRIOR_SUMS):
        days = lake.days(table)
        if days and days[-1] >= since:
            lake.keep(table, [day for day in days if day < since])


def carried_fields(note: LogNote) -> dict[str, State]:
    """Give what is carried as one table, of those that a log has, by field of ``History``."""
    return {FIELDS[state.of]: state for state in _states(note) if not state.key}


def _read(lake: Lake, table: str, carried: date) -> DataFrame:
    return lake.read(table, since=carried, until=carried)


def _states(note: LogNote) -> list[State]:
    return [state for state in STATES if _CONTRACT_TABLES.get(state.of, state.of) in note.tables]


def _tables(note: LogNote) -> list[str]:
    return [*(state.table for state in _states(note)), SUMS]
