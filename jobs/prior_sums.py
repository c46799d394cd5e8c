"""What priors are fitted on, carried from night to night: of a new day, only its users, campaigns and so on are read.

``prior_sums/ds=D`` are the sums as of the end of D. Those of the days after the newest are made from it and from what
became known since; without it, or without a day that is asked about, all is summed up anew. A job that is about to
write an old day of partials again drops what holds it first (see ``jobs.carried.drop_carried``).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from pyspark.sql import DataFrame

from features.feature import History, PriorSums
from features.local_frame import local_frame
from features.rows import prior_keys, prior_sums
from jobs.carried import LATE_DAYS, PRIOR_SUMS
from jobs.lake import Lake, days_between
from jobs.log_note import LogNote
from jobs.past import read_past


def sum_up(lake: Lake, note: LogNote, past: History, oldest: date, ds: date) -> DataFrame:
    """Write the sums that are not stored yet, and give those of all days from one before a midnight to ``ds``."""
    first = oldest - timedelta(days=1)
    stored = _stored(lake, note, first, ds)
    if stored is None:
        start = min(first, ds - timedelta(days=LATE_DAYS))
        past = read_past(lake, note, ds, as_of=start + timedelta(days=1))
    else:
        start, past = stored.until + timedelta(days=1), replace(past, prior_sums=stored)
    days = days_between(start, ds)
    if days:
        asked = local_frame(lake._spark, [(day,) for day in days], "ds date")
        lake.write(PRIOR_SUMS, prior_sums(asked, past, note.has), days)
    return lake.read(PRIOR_SUMS, since=first, until=ds)


def _stored(lake: Lake, note: LogNote, first: date, ds: date) -> PriorSums | None:
    """Give the sums that are stored up to ``ds``; None unless they begin with ``first``, lack no day and no level."""
    there = [day for day in lake.days(PRIOR_SUMS) if first <= day <= ds]
    if not there or there != days_between(first, there[-1]):
        return None
    rows = lake.read(PRIOR_SUMS, since=first, until=there[-1])
    levels = {row["level"] for row in rows.select("level").distinct().collect()}
    return PriorSums(rows, there[-1]) if levels == {*prior_keys(note.has)} else None
