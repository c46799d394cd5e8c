"""Sums over windows that end at midnight, in numpy: each request adds up the cells of its owner known by then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.ascending import Integers
from features.known import NEVER, Known, dates, day_numbers


def windows_of(
    known: Known, prefix: str, sums: Sequence[str], latest: Sequence[str], windows: Sequence[int]
) -> dict[str, pa.Array]:
    """Sum columns over windows and all time.

    What lies in a window of W days is what became known in these days, less what had happened before them. Only late
    cells can have, so all else is a difference of two running totals: the cost does not grow with the window.

    Parameters
    ----------
    known : Known
        Cells have ``event_day`` (date, never after ``known``) and the columns (long; null only where ``latest``).
    prefix : str
        First word of the names.
    sums, latest : sequence of str
        Columns to add up; columns to take the maximum of, over all time.
    windows : sequence of int
        Lengths in days: a window of W holds event days from T - W to T - 1.

    Returns
    -------
    dict of str to Array
        ``PREFIX_SUM_Wd``, ``PREFIX_SUM_all`` (long), ``PREFIX_LATEST`` (long; null: never) and ``PREFIX_first_day``
        (date), in this order.
    """
    known = known.only("known", "event_day", *sums, *latest)
    event_day = day_numbers(known.rows.column("event_day"))
    late = known.where(event_day < day_numbers(known.rows.column("known")))
    late_day = day_numbers(late.rows.column("event_day"))
    inside = {days: known.since(days) for days in windows}
    columns: dict[str, pa.Array] = {}
    before = {days: _happened_before(late.since(days), late_day, known.as_of - days) for days in windows}
    for name in sums:
        values, of_late = (of.rows.column(name).to_numpy() for of in (known, late))
        total = np.concatenate([[0], np.cumsum(values)])
        for days in windows:
            request, place = before[days]
            summed = total[inside[days].end] - total[inside[days].start]
            np.subtract.at(summed, request, of_late[place])
            columns[f"{prefix}_{name}_{days}d"] = pa.array(summed)
        columns[f"{prefix}_{name}_all"] = pa.array(total[known.end] - total[known.start])
    for name in latest:
        columns[f"{prefix}_{name}"] = known.greatest(known.rows.column(name).fill_null(NEVER).to_numpy())
    oldest = known.greatest(-event_day)
    columns[f"{prefix}_first_day"] = dates(pc.negate(oldest))
    return columns


def count_inside(known: Known, request: Integers, day: Integers, days: int) -> pa.Array:
    """Count what happened in the window of so many days that ends at each request's midnight.

    ``request`` and ``day``, never after the midnight, are of shape (n_happened,).
    """
    inside = day >= (known.as_of - days)[request]
    return pa.array(np.bincount(request[inside], minlength=len(known.as_of)))


def _happened_before(known: Known, event_day: Integers, day: Integers) -> tuple[Integers, Integers]:
    """Give request and row of each row known that happened before the request's day."""
    request, place = known.places()
    before = event_day[place] < day[request]
    return request[before], place[before]
