"""What ingest noted about the log in a lake: its rules and its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from features.bots import BotRules
from features.time_rules import TimeRules
from features.user_app_kinds import KIND
from jobs.drift import Columns
from jobs.errors import BadInput
from jobs.lake import Lake

NOTE = "ingest"


@dataclass(frozen=True)
class LogNote:
    """The note of one run of ingest.

    Parameters
    ----------
    mapping : str
        Name or path of the mapping.
    rules : TimeRules
        The log's time rules.
    tables : tuple of str
        Contract tables that the log has.
    bots : BotRules
        The log's rules on bots.
    kinds : tuple of str
        Names of app events that features count apart.
    columns : mapping of str to mapping
        By table: the columns of its source and their types; empty in lakes that did not note them.
    drift : tuple of str
        What differed from the columns of the ingest before, a line a column.
    """

    mapping: str
    rules: TimeRules
    tables: tuple[str, ...]
    bots: BotRules
    kinds: tuple[str, ...] = ()
    columns: Mapping[str, Columns] = field(default_factory=dict)
    drift: tuple[str, ...] = ()

    @property
    def has(self) -> tuple[str, ...]:
        """Tables, and kinds of app events to count apart: what decides which features there are."""
        return (*self.tables, *(f"{KIND}{kind}" for kind in self.kinds))


def write_note(lake: Lake, ds: date, note: LogNote) -> None:
    """Store the note of a day."""
    lake.put_json(NOTE, ds, {
        "mapping": note.mapping, "time_rules": note.rules.to_dict(), "tables": list(note.tables),
        "bots": note.bots.to_dict(), "kinds": list(note.kinds), "columns": note.columns, "drift": list(note.drift),
    })  # fmt: skip


def read_note(lake: Lake, ds: date) -> LogNote:
    """Read the note of a day: of the run that ingested it, which may have ingested later ones too.

    Raises
    ------
    BadInput
        When neither the day nor a later one was ingested.
    """
    value = lake.get_json(NOTE, min((day for day in note_days(lake) if day >= ds), default=ds))
    rules, bots = TimeRules.from_dict(value["time_rules"]), BotRules.from_dict(value.get("bots", {}))
    kinds, columns, drift = (value.get(name, empty) for name, empty in (("kinds", ()), ("columns", {}), ("drift", ())))
    return LogNote(value["mapping"], rules, tuple(value["tables"]), bots, tuple(kinds), columns, tuple(drift))


def note_days(lake: Lake) -> list[date]:
    """Days on which ingest was run, sorted."""
    return lake.json_days(NOTE)


def days_to_do(lake: Lake, *, source: str, made: str, ds: date) -> list[date]:
    """Days of ``source`` up to ``ds`` that ``made`` lacks, and ``ds`` itself, which is always made again.

    Days before the first one of ``made`` were pruned, and stay away.

    Raises
    ------
    BadInput
        When ``source`` does not have ``ds``.
    """
    there = [day for day in lake.days(source) if day <= ds]
    if ds not in there:
        raise BadInput(f"table {source!r} in {lake.root} has no {ds}; run the job before for that day first")
    done = set(lake.days(made))
    first = min(done, default=there[0])
    return [day for day in there if day == ds or (day >= first and day not in done)]
