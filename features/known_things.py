"""How many different things many owners had in windows that end at midnight, and how often the same, in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.ascending import Integers, ascending
from features.known import Known, day_numbers
from features.known_windows import count_inside
from features.windows import window_names


def distinct_things(known: Known, column: str, prefix: str, things: str, windows: Sequence[int]) -> dict[str, pa.Array]:
    """Count the distinct values of a column in each window and in all time.

    A value lies in a window when the newest of its cells does, so all windows are told by one look at each.

    Parameters
    ----------
    known : Known
        Cells have ``event_day`` (date, never after ``known``) and the column; null is no value.
    column : str
        The column.
    prefix, things : str
        First words of the names.
    windows : sequence of int
        Lengths in days: a window of W holds event days from T - W to T - 1.

    Returns
    -------
    dict of str to Array
        ``PREFIX_THINGS_Wd`` ... ``PREFIX_THINGS_all`` (long).
    """
    known, value = _with_value(known, "event_day", column)
    day = day_numbers(known.rows.column("event_day"))
    request, place = known.places()
    value, day = value[place], day[place]
    order = ascending(request, value, day)
    request, value, day = request[order], value[order], day[order]
    newest = np.append((request[1:] != request[:-1]) | (value[1:] != value[:-1]), True)[: len(order)]
    request, day = request[newest], day[newest]
    counts = [count_inside(known, request, day, days) for days in windows]
    of_all = pa.array(np.bincount(request, minlength=len(known.as_of)))
    return dict(zip(window_names(prefix, things, windows), [*counts, of_all], strict=True))


def most_of_one_thing(known: Known, column: str, count: str, days: int) -> pa.Array:
    """Add up a window's cells by the value of a column: how often each request has its most frequent one.

    Parameters
    ----------
    known : Known
        Cells have ``event_day`` (date, never after ``known``) and the columns.
    column, count : str
        The value, null for none, and how often the cell has it (long).
    days : int
        Length of the window.

    Returns
    -------
    Array (long)
        0 for none.
    """
    known, value = _with_value(known, "event_day", count, column)
    day, times = day_numbers(known.rows.column("event_day")), known.rows.column(count).to_numpy()
    request, place = known.since(days).places()
    inside = day[place] >= (known.as_of - days)[request]
    request, place = request[inside], place[inside]
    order = ascending(request, value[place])
    request, value, times = request[order], value[place][order], times[place][order]
    total = np.concatenate([[0], np.cumsum(times)])
    first = np.flatnonzero((np.diff(request, prepend=-1) != 0) | (np.diff(value, prepend=-1) != 0))
    of_value = np.diff(total[np.append(first, len(request))])
    most = np.zeros(len(known.as_of), dtype=np.int64)
    np.maximum.at(most, request[first], of_value)
    return pa.array(most)


def each_value(known: Known, column: str, lists: str) -> Known:
    """Give a cell a value, with ``event_day`` and the column: of the cells that have a list, one for each in it."""
    known = known.only("event_day", column, lists)
    of_list = known.rows.column(lists).combine_chunks()
    has_list = of_list.is_valid().to_numpy(zero_copy_only=False)
    n_values = np.where(has_list, of_list.value_lengths().fill_null(0).to_numpy(), 1)
    repeated = known.only("event_day", column).times(n_values)
    is_listed = pa.array(np.repeat(has_list, n_values))
    values = pc.replace_with_mask(repeated.rows.column(column).combine_chunks(), is_listed, of_list.flatten())
    return replace(repeated, rows=repeated.rows.set_column(1, column, values))


def _with_value(known: Known, *columns: str) -> tuple[Known, Integers]:
    """Leave out the cells without a value in the last of some columns, and all others; and number the values."""
    known, column = known.only(*columns), columns[-1]
    known = known.where(known.rows.column(column).is_valid().to_numpy())
    return known, known.rows.column(column).combine_chunks().dictionary_encode().indices.to_numpy()
