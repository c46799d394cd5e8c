"""How alike the hours and weekdays of each user's events are, in numpy: sums over users, for many midnights at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from features.ascending import Integers, ascending
from features.known import dates, day_numbers
from features.local_time import HOURS, WEEKDAYS

BINS = HOURS + WEEKDAYS
SUMS = ("events", "same_pairs", "mixed_pairs")
"""Over users, with n of a user's N events in a bin: n, n(n-1) and n(N-1)."""

ROWS_TOGETHER = 10_000
"""Events that are looked at together; each is a row of counts of all bins."""

NO_HOUR = -1
"""The ``hour`` of events each of which counts."""

MOMENTS = ", ".join(["as_of date", "kind int", "bin int", *(f"{name} bigint" for name in SUMS)])
"""Spark SQL schema of what ``moments`` gives."""


def moments(tables: Sequence[pa.Table], users: Sequence[Integers], days: int) -> Iterator[pa.RecordBatch]:
    """Sum up the events of users that became known in so many days before each midnight.

    Parameters
    ----------
    tables : sequence of pa.Table
        A kind's events, each kind being summed up apart: ``first`` and ``last`` (dates, the same in each row), the
        midnights; ``known`` (date, before ``last`` and not more than ``days`` before ``first``), ``hour_of_week`` (0 to
        167), ``hour`` (long): of rows of a user with the same ``known``, one whose ``hour`` is that of another, or
        follows it, is left out.
    users : sequence of ndarray
        Numbers of a table's users.
    days : int
        How long an event is remembered.

    Yields
    ------
    RecordBatch
        ``MOMENTS``: a row for each midnight from ``first`` to ``last``, kind and bin. The hours of the day are the bins
        0 to 23, the weekdays those after. Nothing, where a kind has no row.
    """
    for kind, (table, user) in enumerate(zip(tables, users, strict=True)):
        if len(table):
            first, last = (int(day_numbers(table.column(name).slice(0, 1))[0]) for name in ("first", "last"))
            total = np.zeros((last - first + 1, len(SUMS), BINS), dtype=np.int64)
            for events in _portions(*_events(table, user)):
                _add_steps(total, first, days, *events)
            yield _rows(total.cumsum(axis=0), kind, first)


def _events(table: pa.Table, user: Integers) -> tuple[Integers, Integers, Integers]:
    """Give the user, the day known and the hour of the week of what counts."""
    hour, hour_of_week = (table.column(name).to_numpy().astype(np.int64) for name in ("hour", "hour_of_week"))
    known = day_numbers(table.column("known"))
    order = ascending(user, known, hour)
    user, known, hour, hour_of_week = (values[order] for values in (user, known, hour, hour_of_week))
    goes_on = (np.diff(hour) <= 1) & (hour[1:] != NO_HOUR) & (np.diff(known) == 0) & (np.diff(user) == 0)
    counts = np.append(True, ~goes_on)
    return user[counts], known[counts], hour_of_week[counts]


def _portions(user: Integers, *values: Integers) -> Iterator[tuple[Integers, ...]]:
    """Cut events between users, who ascend."""
    begin = 0
    while begin < len(user):
        last = user[min(begin + ROWS_TOGETHER, len(user)) - 1]
        end = int(np.searchsorted(user, last, side="right"))
        yield user[begin:end], *(of[begin:end] for of in values)
        begin = end


def _add_steps(total: Integers, first: int, days: int, user: Integers, known: Integers, hour_of_week: Integers) -> None:
    """Add by how much the sums grow from midnight to midnight: events come in, and are forgotten."""
    n_midnights, n_events = len(total), len(user)
    user, known, hour_of_week = (np.concatenate([values, values]) for values in (user, known, hour_of_week))
    step = np.repeat([1, -1], n_events)
    midnight = known + 1 - first + np.repeat([0, days], n_events)
    inside = midnight < n_midnights
    place = (user * n_midnights + np.maximum(midnight, 0))[inside]
    changes, change = np.unique(place, return_inverse=True)
    steps = np.zeros((len(changes), BINS), dtype=np.int64)
    for of_week in (hour_of_week % HOURS, HOURS + hour_of_week // HOURS):
        np.add.at(steps, (change, of_week[inside]), step[inside])
    of_user, at = np.divmod(changes, n_midnights)
    after = steps.cumsum(axis=0)
    begins = np.searchsorted(of_user, of_user)  # the first change of the same user
    after -= (after - steps)[begins]
    np.add.at(total, at, _sums(after) - _sums(after - steps))


def _sums(counts: Integers) -> Integers:
    """Give ``SUMS`` of counts, of shape (n, BINS): an array of shape (n, len(SUMS), BINS)."""
    others = counts[:, :HOURS].sum(axis=1, keepdims=True) - 1
    return np.stack([counts, counts * (counts - 1), counts * others], axis=1)


def _rows(total: Integers, kind: int, first: int) -> pa.RecordBatch:
    midnight, at = (index.ravel() for index in np.indices((len(total), BINS)))
    numbers = (np.full_like(at, kind), at)
    columns: Sequence[pa.Array] = [
        dates(pa.array(first + midnight)), *(pa.array(number.astype(np.int32)) for number in numbers),
        *(pa.array(total[:, place].ravel()) for place in range(len(SUMS))),
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(list(columns), names=["as_of", "kind", "bin", *SUMS])
