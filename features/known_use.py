"""How much users used the app over all time, in numpy: running totals, so that old days can be carried as sums.

A day is active, and an hour of it part of a session, by what became known within ``SETTLED_DAYS`` after the day: later
rows change neither, so the sums of a day are final then. A session is a run of hours of one day (UTC); one that goes on
over midnight counts on both days.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.ascending import Integers, ascending
from features.known import SPAN, Known, day_numbers
from features.local_time import HOURS
from features.user_rows import FOLDED

SETTLED_DAYS = 7
"""Days after which nothing changes any more how a day counts over all time."""

USE_COLUMNS = ("active_days_all", "sessions_all")
"""What ``all_time_use`` gives, whole numbers."""


def hours_of_use(known: Known) -> Known:
    """Leave out the rows that tell no ``hour``, and all but one of those that tell the same and were known together."""
    known = _with_hour(known)
    hour = _since_1970(known)
    order = ascending(known.place, hour)
    is_first = np.append(True, (np.diff(hour[order]) != 0) | (np.diff(known.place[order]) != 0))[: len(hour)]
    chosen = np.zeros(len(hour), dtype=bool)
    chosen[order[is_first]] = True
    return known.where(chosen)


def all_time_use(known: Known) -> dict[str, pa.Array]:
    """Count the active days and the sessions of all time.

    Parameters
    ----------
    known : Known
        Rows have ``event_day`` (date), ``hour`` (0 to 23, null in sums) and ``FOLDED`` (long).

    Returns
    -------
    dict of str to Array
        ``USE_COLUMNS``: a value a request.
    """
    folds, (first_known, hour) = _folded(known), _hours(known)
    owner, day = first_known // SPAN, hour // HOURS
    is_next = (np.diff(owner) == 0) & (np.diff(day) == 0)
    days = np.flatnonzero(np.append(True, ~is_next)[: len(hour)])
    day_known = np.minimum.reduceat(first_known, days) if len(days) else first_known
    goes_on = np.flatnonzero(is_next & (np.diff(hour) == 1))
    both_known = np.maximum(first_known[goes_on], first_known[goes_on + 1])
    of_days, of_sessions = (folds.rows.column(name).to_numpy() for name in FOLDED)
    return {
        "active_days_all": _total(known, (folds.place, of_days), (day_known, 1)),
        "sessions_all": _total(known, (folds.place, of_sessions), (first_known, 1), (both_known, -1)),
    }


def _folded(known: Known) -> Known:
    known = known.only(*FOLDED)
    return known.where(known.numbers("active_days") > 0)


def _hours(known: Known) -> tuple[Integers, Integers]:
    """Give the hours of use of each owner, ascending, each once with the place at which it was first known."""
    known = _with_hour(known.only("known", "event_day", "hour"))
    event_day, day_known = (day_numbers(known.rows.column(name)) for name in ("event_day", "known"))
    counts = day_known - event_day <= SETTLED_DAYS
    place, hour = known.place[counts], _since_1970(known)[counts]
    order = ascending(place // SPAN, hour, place % SPAN)
    place, hour = place[order], hour[order]
    is_first = np.append(True, (np.diff(hour) != 0) | (np.diff(place // SPAN) != 0))[: len(hour)]
    return place[is_first], hour[is_first]


def _with_hour(known: Known) -> Known:
    return known.where(known.rows.column("hour").is_valid().to_numpy())


def _since_1970(known: Known) -> Integers:
    """Give the hours of rows that have one."""
    return np.asarray(day_numbers(known.rows.column("event_day")) * HOURS + known.rows.column("hour").to_numpy())


def _total(known: Known, *steps: tuple[Integers, Integers | int]) -> pa.Array:
    """Add up, for each request, the steps at its owner's places before its midnight."""
    place = np.concatenate([places for places, _ in steps])
    step = np.concatenate([np.broadcast_to(values, places.shape) for places, values in steps])
    order = np.argsort(place, kind="stable")
    total = np.concatenate([[0], np.cumsum(step[order])])
    bounds = (np.searchsorted(place[order], at) for at in (known.midnight // SPAN * SPAN, known.midnight))
    before_owner, before_midnight = bounds
    return pa.array(total[before_midnight] - total[before_owner])
