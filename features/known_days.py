"""In which hours and on which days many users were active, in numpy: each request reads the hours known by then."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.ascending import Integers, ascending
from features.known import NEVER, Known, day_numbers
from features.known_windows import count_inside
from features.local_time import HOURS, WEEK
from features.rhythm import rhythm
from features.windows import MEMORY_DAYS, USER_WINDOWS_DAYS

BREAK_DAYS = 14
"""A user who was away for this many whole days or more, and came back, was reactivated."""

COUNTED = ("active_days", "sessions")

DAY_COLUMNS = (
    *(f"{name}_{days}d" for name in COUNTED for days in USER_WINDOWS_DAYS),
    "last_session_ms", "days_since_return", "oldest_active_days",
)  # fmt: skip
"""What ``active_days`` gives, all whole numbers, beside the rhythm of sessions."""

MS_PER_HOUR = 3_600_000


def active_days(known: Known) -> dict[str, pa.Array]:
    """Count the days and the sessions of the hours with a known row.

    Parameters
    ----------
    known : Known
        Rows have ``event_day`` (date) and ``hour`` (0 to 23), when they happened, and the ``hour_of_week`` (0 to 167)
        that it was for the user; several may have the same.

    Returns
    -------
    dict of str to Array
        ``DAY_COLUMNS``: distinct days within each window before ``as_of``; sessions that began there, runs of hours
        that follow each other; when the last one began; days since the user last came back after a break that lies in
        the days that are read (null: never); and since the oldest active day, at most those and one more. Also
        ``features.rhythm.rhythm`` of the hours in which sessions began.
    """
    request, place = known.places()
    week_hour = known.rows.column("hour_of_week").to_numpy()[place]
    hour = (day_numbers(known.rows.column("event_day")) * HOURS + known.rows.column("hour").to_numpy())[place]
    order = ascending(request, hour, week_hour)
    request, hour, week_hour = request[order], hour[order], week_hour[order]
    day = hour // HOURS
    first = np.diff(request, prepend=-1) != 0
    began = first | (np.diff(hour, prepend=0) > 1)
    begins = dict(zip(COUNTED, (first | (np.diff(day, prepend=0) > 0), began), strict=True))
    columns = {
        f"{name}_{days}d": count_inside(known, request[begins[name]], day[begins[name]], days)
        for name in COUNTED
        for days in USER_WINDOWS_DAYS
    }
    sessions = request[began] * WEEK + week_hour[began]
    by_hour = np.bincount(sessions, minlength=len(known.lengths) * WEEK).reshape(-1, WEEK)
    columns["last_session_ms"] = _greatest(known, request[began], hour[began] * MS_PER_HOUR)
    return {**columns, **_returns(known, request, day, first), **rhythm("session", by_hour)}


def _returns(known: Known, request: Integers, day: Integers, first: NDArray[np.bool_]) -> dict[str, pa.Array]:
    """Tell breaks; ``day`` ascends for each request."""
    day = np.maximum(day, (known.as_of - MEMORY_DAYS - 1)[request])
    back = ~first & (np.diff(day, prepend=0) > BREAK_DAYS)
    returned, oldest = _greatest(known, request[back], day[back]), _greatest(known, request[first], day[first])
    as_of = pa.array(known.as_of)
    return {
        "days_since_return": pc.subtract(as_of, returned),
        "oldest_active_days": pc.subtract(as_of, oldest).cast(pa.int32()),
    }


def _greatest(known: Known, request: Integers, value: Integers) -> pa.Array:
    """Give the greatest value of each request; null where it has none."""
    found = np.full(len(known.lengths), NEVER)
    np.maximum.at(found, request, value)
    return pa.array(np.ma.masked_equal(found, NEVER))
