"""How alike the hours and weekdays of each user's events are, in numpy: sums over users, for many midnights at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pyarrow as pa

from features.ascending import Integers, ascending
from features.known import dates, day_numbers
from features.local_time import HOURS, WEEKDAYS
from features.rhythm_events import NO_HOUR

BINS = HOURS + WEEKDAYS
SUMS = ("events", "same_pairs", "mixed_pairs")
"""Over users, with n of a user's N events in a bin: n, n(n-1) and n(N-1)."""

ROWS_TOGETHER = 10_000
"""Events that are looked at together; each is a row of counts of all bins."""

MOMENTS = ", ".join(["as_of date", "kind int", "bin int", *(f"{name} bigint" for name in SUMS)])
"""Spark SQL schema of what ``moment_rows`` gives."""

EPOCH = date(1970, 1, 1)


def moments(
    table: pa.Table, user: Integers, hour: pa.ChunkedArray, midnights: tuple[date, date], days: int
) -> Integers:
    """Sum up the events of users that became known in so many days before each midnight.

    Parameters
    ----------
    table : pa.Table
        Rows of ``features.rhythm_events.Events``.
    user : ndarray of shape (n_rows,)
        Numbers of their users.
    hour : ChunkedArray
        Their hours, as these have them.
    midnights : tuple of date
        The first and the last.
    days : int
        How long an event is remembered.

    Returns
    -------
    ndarray of shape (n_midnights, len(SUMS), BINS)
        The hours of the day are the bins 0 to 23, the weekdays those after.
    """
    first, last = ((midnight - EPOCH).days for midnight in midnights)
    known = day_numbers(table.column("known"))
    counts = hour.is_valid().to_numpy() & (known >= first - days) & (known < last)
    of_week = table.column("hour_of_week").fill_null(0).to_numpy()
    events = _events(*(of[counts] for of in (user, known, hour.fill_null(NO_HOUR).to_numpy(), of_week)))
    total = np.zeros((last - first + 1, len(SUMS), BINS), dtype=np.int64)
    for portion in _portions(*events):
        _add_steps(total, first, days, *portion)
    return total.cumsum(axis=0)


def _events(*of_rows: Integers) -> tuple[Integers, Integers, Integers]:
    """Give the user, the day known and the hour of the week of the rows that count."""
    order = ascending(*of_rows[:3])
    user, known, hour, hour_of_week = (np.asarray(of[order], dtype=np.int64) for of in of_rows)
    goes_on = (np.diff(hour) <= 1) & (hour[1:] != NO_HOUR) & (np.diff(known) == 0) & (np.diff(user) == 0)
    counts = np.append(True, ~goes_on)[: len(user)]
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


def moment_rows(total: Integers, kind: int, first: date) -> pa.RecordBatch:
    """Give ``MOMENTS`` of what `moments` gives: a row for each midnight from the first on and bin."""
    midnight, at = (index.ravel() for index in np.indices((len(total), BINS)))
    numbers = (np.full_like(at, kind), at)
    columns: Sequence[pa.Array] = [
        dates(pa.array((first - EPOCH).days + midnight)), *(pa.array(number.astype(np.int32)) for number in numbers),
        *(pa.array(total[:, place].ravel()) for place in range(len(SUMS))),
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(list(columns), names=["as_of", "kind", "bin", *SUMS])
