"""What requests know of their owners' rows: sums, greatest values and choices over many of them at once, in numpy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.ascending import Integers, ascending
from features.spans import laid_out

NEVER = np.iinfo(np.int64).min
"""Less than any time or day."""

SPAN = 1 << 32
"""How far apart the places of two owners' rows are; more than there are days."""

ROWS_AT_ONCE = 1_000_000
"""Known rows, counted once for each request, that are taken in one step; bounds memory, changes nothing."""


@dataclass(frozen=True)
class Known:
    """Some requests, and the rows of their owners.

    Parameters
    ----------
    as_of : ndarray of shape (n_requests,)
        Midnights, in days since 1970-01-01.
    rows : pa.Table
        Rows by owner and day known.
    start, end : ndarray of shape (n_requests,)
        Request i knows the rows from ``start[i]`` to ``end[i]``, not included.
    place : ndarray of shape (n_rows,)
        Ascends with owner and day known: a day apart is 1 apart, an owner ``SPAN``.
    midnight : ndarray of shape (n_requests,)
        The place of ``as_of`` among those of the owner.
    """

    as_of: Integers
    rows: pa.Table
    start: Integers
    end: Integers
    place: Integers
    midnight: Integers

    @property
    def lengths(self) -> Integers:
        """Number of rows that each request knows, of shape (n_requests,)."""
        return self.end - self.start

    def places(self) -> tuple[Integers, Integers]:
        """Give request and row of each pair of a request and a row it knows, by request; two of shape (n_pairs,)."""
        return laid_out(self.start, self.lengths)

    def portions(self) -> Iterator[Known]:
        """Cut into requests that know at most ``ROWS_AT_ONCE`` rows together, or into one."""
        begin, total = 0, np.concatenate([[0], np.cumsum(self.lengths)])
        while begin < len(self.start):
            end = max(begin + 1, int(np.searchsorted(total, total[begin] + ROWS_AT_ONCE, side="right")) - 1)
            as_of, start, stop, midnight = (of[begin:end] for of in (self.as_of, self.start, self.end, self.midnight))
            yield Known(as_of, self.rows, start, stop, self.place, midnight)
            begin = end

    def since(self, days: int) -> Known:
        """Leave out what became known more than so many days before ``as_of``."""
        start = np.searchsorted(self.place, self.midnight - days)
        return replace(self, start=np.maximum(self.start, start))

    def where(self, chosen: NDArray[np.bool_]) -> Known:
        """Leave out rows; ``chosen`` has the shape (n_rows,)."""
        before = np.concatenate([[0], np.cumsum(chosen)])
        rows, place = self.rows.filter(pa.array(chosen)), self.place[chosen]
        return replace(self, rows=rows, place=place, start=before[self.start], end=before[self.end])

    def numbers(self, column: str) -> Integers:
        """Give a column of whole numbers, 0 for null; of shape (n_rows,)."""
        return np.asarray(self.rows.column(column).fill_null(0).to_numpy(), dtype=np.int64)

    def only(self, *columns: str) -> Known:
        """Leave out all other columns, before rows are chosen or copied."""
        return replace(self, rows=self.rows.select(columns))

    def times(self, times: Integers) -> Known:
        """Take each row as many times, following each other; ``times`` has the shape (n_rows,)."""
        before, row = np.concatenate([[0], np.cumsum(times)]), np.repeat(np.arange(len(times)), times)
        rows, place = self.rows.take(pa.array(row)), self.place[row]
        return replace(self, rows=rows, place=place, start=before[self.start], end=before[self.end])

    def total(self, values: Integers) -> pa.Array:
        """Add up the values, of a column with the shape (n_rows,), that each request knows."""
        total = np.concatenate([[0], np.cumsum(values)])
        return pa.array(total[self.end] - total[self.start])

    def greatest(self, values: Integers) -> pa.Array:
        """Give the greatest value, of a column with the shape (n_rows,), that each request knows.

        Null where it knows none, or only ``NEVER``.
        """
        if not len(self.start):
            return pa.array([], pa.int64())
        bounds = np.stack([self.start, self.end], axis=1).ravel()
        found = np.maximum.reduceat(np.append(values, NEVER), bounds)[::2]
        found[self.start == self.end] = NEVER
        return pa.array(np.ma.masked_equal(found, NEVER))


def known_by(as_of: Integers, of_request: Integers, rows: pa.Table, of_row: Integers) -> Known:
    """Find what each request knows: its owner's rows with ``known`` before ``as_of``; owners are numbers."""
    day = day_numbers(rows.column("known"))
    order = ascending(of_row, day)
    first_day = min(day.min(initial=0), as_of.min(initial=0))
    # Both are ascending in (owner, day), so what a request knows is one range.
    place = (of_row * SPAN + (day - first_day))[order]
    owner_first = of_request * SPAN
    midnight = owner_first + (as_of - first_day)
    start, end = np.searchsorted(place, owner_first), np.searchsorted(place, midnight)
    return Known(as_of, rows.take(pa.array(order)), start, end, place, midnight)


def dates(days: pa.Array) -> pa.Array:
    """Dates of days since 1970-01-01; what ``day_numbers`` takes, and null stays null."""
    return days.cast(pa.int32()).cast(pa.date32())


def day_numbers(column: pa.ChunkedArray) -> Integers:
    """Days since 1970-01-01 of dates without null."""
    return np.asarray(column.cast(pa.int32()), dtype=np.int64)
