"""How alike the hours and weekdays of each user's events are, in numpy: sums over users, for many midnights at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from features.ascending import Integers, ascending
from features.known import dates, day_numbers
from features.local_time import HOURS, WEEKDAYS
from features.whole_owners import Batches, whole_owners

BINS = HOURS + WEEKDAYS
SUMS = ("events", "same_pairs", "mixed_pairs")
"""Over users, with n of a user's N events in a bin: n, n(n-1) and n(N-1)."""

ROWS_TOGETHER = 10_000
"""Events that are looked at together, at least; each is a row of counts of all bins."""

NO_HOUR = -1
"""The ``hour`` of events each of which counts."""

MOMENTS = ", ".join(["as_of date", "kind int", "bin int", *(f"{name} bigint" for name in SUMS)])
"""Spark SQL schema of what ``moments`` gives."""


def moments(batches: Batches, n_kinds: int, days: int) -> Batches:
    """Sum up the events of users that became known in so many days before each midnight.

    Parameters
    ----------
    batches : iterator of RecordBatch
        A stream of users as ``features.whole_owners.by_owner`` gives it: ``first`` and ``last`` (dates, the same in
        each row), the midnights; ``kind`` (int, from 0), ``known`` (date, before ``last`` and not more than ``days``
        before ``first``), ``hour_of_week`` (0 to 167), ``hour`` (long): of rows of a user and kind with the same
        ``known``, one whose ``hour`` is that of another, or follows it, is left out.
    n_kinds : int
        Number of kinds, each of which is summed up apart.
    days : int
        How long an event is remembered.

    Returns
    -------
    iterator of RecordBatch
        ``MOMENTS``: a row for each midnight from ``first`` to ``last``, kind and bin. The hours of the day are the bins
        0 to 23, the weekdays those after. Nothing, where there is no row.
    """
    total, first = None, 0
    for table, user in whole_owners(batches, 1, ROWS_TOGETHER):
        first, last = (int(day_numbers(table.column(name).slice(0, 1))[0]) for name in ("first", "last"))
        if total is None:
            total = np.zeros((n_kinds, last - first + 1, len(SUMS), BINS), dtype=np.int64)
        _add_steps(total, first, days, _events(table, user, n_kinds))
    if total is not None:
        yield from _rows(total.cumsum(axis=1), first)


def _events(table: pa.Table, user: Integers, n_kinds: int) -> tuple[Integers, Integers, Integers]:
    """Give a number for user and kind, the day known and the hour of the week of what counts."""
    names = ("kind", "hour", "hour_of_week")
    kind, hour, hour_of_week = (table.column(name).to_numpy().astype(np.int64) for name in names)
    owner, known = user * n_kinds + kind, day_numbers(table.column("known"))
    order = ascending(owner, known, hour)
    owner, known, hour, hour_of_week = (values[order] for values in (owner, known, hour, hour_of_week))
    goes_on = (np.diff(hour) <= 1) & (hour[1:] != NO_HOUR) & (np.diff(known) == 0) & (np.diff(owner) == 0)
    counts = np.append(True, ~goes_on)
    return owner[counts], known[counts], hour_of_week[counts]


def _add_steps(total: Integers, first: int, days: int, events: tuple[Integers, Integers, Integers]) -> None:
    """Add by how much the sums grow from midnight to midnight: events come in, and are forgotten."""
    n_kinds, n_midnights = total.shape[:2]
    owner, known, hour_of_week = (np.concatenate([values, values]) for values in events)
    n_events = len(owner) // 2
    step = np.repeat([1, -1], n_events)
    midnight = known + 1 - first + np.repeat([0, days], n_events)
    inside = midnight < n_midnights
    place = (owner * n_midnights + np.maximum(midnight, 0))[inside]
    changes, change = np.unique(place, return_inverse=True)
    steps = np.zeros((len(changes), BINS), dtype=np.int64)
    for of_week in (hour_of_week % HOURS, HOURS + hour_of_week // HOURS):
        np.add.at(steps, (change, of_week[inside]), step[inside])
    of_owner, at = np.divmod(changes, n_midnights)
    after = steps.cumsum(axis=0)
    begins = np.searchsorted(of_owner, of_owner)  # the first change of the same owner
    after -= (after - steps)[begins]
    np.add.at(total, (of_owner % n_kinds, at), _sums(after) - _sums(after - steps))


def _sums(counts: Integers) -> Integers:
    """Give ``SUMS`` of counts, of shape (n, BINS): an array of shape (n, len(SUMS), BINS)."""
    others = counts[:, :HOURS].sum(axis=1, keepdims=True) - 1
    return np.stack([counts, counts * (counts - 1), counts * others], axis=1)


def _rows(total: Integers, first: int) -> Iterator[pa.RecordBatch]:
    kind, midnight, at = (index.ravel() for index in np.indices((*total.shape[:2], BINS)))
    columns: Sequence[pa.Array] = [
        dates(pa.array(first + midnight)), *(pa.array(index.astype(np.int32)) for index in (kind, at)),
        *(pa.array(total[:, :, place].ravel()) for place in range(len(SUMS))),
    ]  # fmt: skip
    yield pa.RecordBatch.from_arrays(list(columns), names=["as_of", "kind", "bin", *SUMS])
