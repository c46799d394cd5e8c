"""On which days many users were active, in numpy: each request reads its user's days known by then."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.owner_streams import NEVER, Known, day_numbers

ACTIVE_WINDOWS = (7, 28)
BREAK_DAYS = 14
"""A user who was away for this many whole days or more, and came back, was reactivated."""

DAY_COLUMNS = (*(f"active_days_{days}d" for days in ACTIVE_WINDOWS), "days_since_return")
"""What ``active_days`` gives, all whole numbers."""


def active_days(known: Known) -> dict[str, pa.Array]:
    """Count the days with a known row.

    Parameters
    ----------
    known : Known
        Rows have ``event_day`` (date), the day they happened; several may have the same.

    Returns
    -------
    dict of str to Array
        ``DAY_COLUMNS``: distinct days within each window before ``as_of``, and days since the user last came back
        after a break (null: never).
    """
    request, place = known.places()
    day = day_numbers(known.rows.column("event_day"))[place]
    order = np.lexsort((day, request))
    day = day[order]
    again = np.zeros(len(day), dtype=bool)
    again[1:] = (day[1:] == day[:-1]) & (request[1:] == request[:-1])
    request, day = request[~again], day[~again]
    n = len(known.lengths)
    columns = {}
    for days in ACTIVE_WINDOWS:
        inside = day >= (known.as_of - days)[request]
        columns[f"active_days_{days}d"] = pa.array(np.bincount(request[inside], minlength=n))
    back = (np.diff(day) > BREAK_DAYS) & (np.diff(request) == 0)
    returned = np.full(n, NEVER)
    np.maximum.at(returned, request[1:][back], day[1:][back])
    never = returned == NEVER
    columns["days_since_return"] = pa.array(np.ma.masked_array(known.as_of - np.where(never, 0, returned), never))
    return columns
