"""Reading what is known of the past from the lake."""

from __future__ import annotations

from datetime import date, timedelta

from features.feature import History
from features.windows import MEMORY_DAYS
from jobs.carried import PUSHES, carried_day, carried_fields, old_pushes, old_sums, read_since, read_with_carried
from jobs.lake import Lake
from jobs.log_note import LogNote

OUTCOMES, BOT_FLAGS = "push_outcomes", "bot_flags"


def read_past(lake: Lake, note: LogNote, until: date, *, as_of: date | None = None) -> History:
    """Give partials, change logs and leavings that became known up to a day.

    Parameters
    ----------
    lake : Lake
        Where they are.
    note : LogNote
        The log's tables.
    until : date
        The day, included.
    as_of : date, optional
        The oldest midnight that is asked about: older days are read as they were folded (see ``jobs.carried``), or not
        at all where no midnight would use them. By default all days are read.
    """
    carried = None if as_of is None else carried_day(lake, note, as_of)
    since = None if as_of is None else as_of - timedelta(days=MEMORY_DAYS)

    whole = {name: read_with_carried(lake, state, until, carried) for name, state in carried_fields(note).items()}
    return History(
        outcomes=lake.read(OUTCOMES, since=since, until=until),
        opt_outs=lake.read("opt_outs", until=until) if "opt_outs" in note.tables else None,
        pushes=read_since(lake, PUSHES, until, carried),
        old_pushes=old_pushes(lake, carried),
        old_sums=old_sums(lake, carried),
        prior_sums=None,  # jobs.prior_sums has them
        parted={},  # and jobs.user_parts these
        **whole,
    )
