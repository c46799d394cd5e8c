"""In which hours and on which days many users were active, in numpy: each request reads the hours known by then."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.known_windows import count_inside
from features.owner_streams import NEVER, Known, day_numbers
from features.windows import USER_WINDOWS_DAYS

BREAK_DAYS = 14
"""A user who was away for this many whole days or more, and came back, was reactivated."""

HOURS = 24

COUNTED_IN = {"active_days": USER_WINDOWS_DAYS[1:], "sessions": USER_WINDOWS_DAYS}
"""Windows, in days, of what is counted."""

DAY_COLUMNS = (*(f"{name}_{days}d" for name, windows in COUNTED_IN.items() for days in windows), "days_since_return")
"""What ``active_days`` gives, all whole numbers."""


def active_days(known: Known) -> dict[str, pa.Array]:
    """Count the days and the sessions of the hours with a known row.

    Parameters
    ----------
    known : Known
        Rows have ``event_day`` (date) and ``hour`` (0 to 23), when they happened; several may have the same.

    Returns
    -------
    dict of str to Array
        ``DAY_COLUMNS``: distinct days within each window before ``as_of``; sessions that began there, runs of hours
        that follow each other; and days since the user last came back after a break (null: never).
    """
    request, place = known.places()
    hour = (day_numbers(known.rows.column("event_day")) * HOURS + known.rows.column("hour").to_numpy())[place]
    order = np.lexsort((hour, request))
    request, hour = request[order], hour[order]
    day = hour // HOURS
    first = np.diff(request, prepend=-1) != 0
    days_on = np.diff(day, prepend=0)
    begins = {"active_days": first | (days_on > 0), "sessions": first | (np.diff(hour, prepend=0) > 1)}
    columns = {}
    for name, windows in COUNTED_IN.items():
        began = request[begins[name]], day[begins[name]]
        for days in windows:
            columns[f"{name}_{days}d"] = count_inside(known, *began, days)
    back = ~first & (days_on > BREAK_DAYS)
    returned = np.full(len(known.lengths), NEVER)
    np.maximum.at(returned, request[back], day[back])
    never = returned == NEVER
    columns["days_since_return"] = pa.array(np.ma.masked_array(known.as_of - np.where(never, 0, returned), never))
    return columns
