"""Requests and rows of many owners (users, campaigns) at many midnights: each request's known rows, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

Integers: TypeAlias = NDArray[np.int64]
Batches: TypeAlias = Iterator[pa.RecordBatch]

ROWS_AT_ONCE = 4_000_000
"""Known rows, counted once for each request, that are taken in one step; bounds memory, changes nothing."""


@dataclass(frozen=True)
class Known:
    """Some requests, and the rows of their owners.

    Parameters
    ----------
    asked : pa.Table
        The requests; ``n_requests`` rows.
    rows : pa.Table
        Rows by owner and day known.
    start, end : ndarray of shape (n_requests,)
        Request i knows the rows from ``start[i]`` to ``end[i]``, not included.
    place : ndarray of shape (n_rows,)
        Ascends with owner and day known; a day apart is 1 apart.
    midnight : ndarray of shape (n_requests,)
        The place of ``as_of`` among those of the owner.
    """

    asked: pa.Table
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
        request = np.repeat(np.arange(len(self.start)), self.lengths)
        first = np.cumsum(self.lengths) - self.lengths
        return request, np.arange(len(request)) + np.repeat(self.start - first, self.lengths)

    def portions(self) -> Iterator[Known]:
        """Cut into requests that know at most ``ROWS_AT_ONCE`` rows together, or into one."""
        begin, total = 0, np.concatenate([[0], np.cumsum(self.lengths)])
        while begin < len(self.start):
            end = max(begin + 1, int(np.searchsorted(total, total[begin] + ROWS_AT_ONCE, side="right")) - 1)
            asked = self.asked.slice(begin, end - begin)
            start, stop, midnight = (of[begin:end] for of in (self.start, self.end, self.midnight))
            yield Known(asked, self.rows, start, stop, self.place, midnight)
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


Answer: TypeAlias = Callable[[Known], Mapping[str, pa.Array]]
"""From requests and what they know to columns with a value a request."""


def over_owners(
    keys: DataFrame,
    rows: DataFrame,
    answer: Answer,
    columns: Mapping[str, str],
    *,
    owner: Sequence[str] = ("user_id",),
    days: int | None = None,
) -> DataFrame:
    """Let a function answer requests from their owners' rows.

    Parameters
    ----------
    keys : DataFrame
        The owner, ``as_of`` (date) and whatever else is to be kept.
    rows : DataFrame
        The owner, ``known`` (date) and whatever else the answer needs; no other name of ``keys``. Nobody owns those
        with a null for owner.
    answer : callable
        What it gives is named and typed by ``columns``.
    columns : mapping of str to str
        Spark SQL types.
    owner : sequence of str
        Columns that name the owner.
    days : int, optional
        Requests know the rows that became known in so many days before ``as_of``; all of them by default.

    Returns
    -------
    DataFrame
        The columns of ``keys`` and the answer's, for the requests that know any row.
    """

    def nulls(frame: DataFrame) -> list[Column]:
        return [F.lit(None).cast(of).alias(name) for name, of in frame.dtypes if name not in owner]

    def others(frame: DataFrame) -> list[str]:
        return [name for name in frame.columns if name not in owner]

    asked = keys.select(*owner, *others(keys), *nulls(rows))
    told = rows.dropna(subset=list(owner)).select(*owner, *nulls(keys), *others(rows))
    by_owner = asked.union(told).repartition(*owner).sortWithinPartitions(*owner)
    kept, of_owner = keys.columns, len(owner)
    schema = ", ".join(f"`{name}` {of}" for name, of in [*keys.dtypes, *columns.items()])
    return by_owner.mapInArrow(lambda batches: answered(batches, kept, answer, days, of_owner), schema)


def answered(
    batches: Batches, kept: Sequence[str], answer: Answer, days: int | None = None, of_owner: int = 1
) -> Batches:
    """Give the columns to keep and the answer's, for each request that knows any row; see ``known_rows``."""
    for known in known_rows(batches, days, of_owner):
        table = known.asked.select(kept)
        for name, values in answer(known).items():
            table = table.append_column(name, values)
        yield from table.filter(pa.array(known.lengths > 0)).to_batches()


def known_rows(batches: Batches, days: int | None = None, of_owner: int = 1) -> Iterator[Known]:
    """Find what each request knows.

    Parameters
    ----------
    batches : iterator of RecordBatch
        The owner, in the first columns; ``as_of`` (date; null for a row); ``known`` (date; null for a request). All of
        an owner follow each other, in any order.
    days : int, optional
        How many days before ``as_of`` a row may have become known; as many as you like by default.
    of_owner : int
        How many columns name the owner.

    Returns
    -------
    iterator of Known
        Whole owners, in portions; a request knows the rows with ``known`` before ``as_of``.
    """
    for table in _whole_owners(batches, of_owner):
        known = _known(table, of_owner)
        yield from (known if days is None else known.since(days)).portions()


def _whole_owners(batches: Batches, of_owner: int) -> Iterator[pa.Table]:
    """Cut the stream between owners: the last owner of a batch waits for the next one."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        owner = batch.columns[:of_owner]
        of_last = reduce(pc.and_, (pc.equal(column, column[-1]) for column in owner))
        first_of_last = batch.num_rows - pc.sum(of_last).as_py()
        if first_of_last or (waiting and any(column[-1] != waiting[-1][i][-1] for i, column in enumerate(owner))):
            yield pa.Table.from_batches([*waiting, batch.slice(0, first_of_last)])
            waiting = []
        waiting.append(batch.slice(first_of_last))
    if waiting:
        yield pa.Table.from_batches(waiting)


def _known(table: pa.Table, of_owner: int) -> Known:
    owner = (column.combine_chunks() for column in table.columns[:of_owner])
    changes = reduce(pc.or_, (pc.not_equal(column[1:], column[:-1]) for column in owner))
    number = np.concatenate([[0], np.cumsum(changes.to_numpy(zero_copy_only=False))])
    is_request = table.column("as_of").is_valid().to_numpy()
    asked, rows = table.filter(pa.array(is_request)), table.filter(pa.array(~is_request))
    as_of, day = day_numbers(asked.column("as_of")), day_numbers(rows.column("known"))
    order = np.lexsort((day, number[~is_request]))
    first_day, span = min(day.min(initial=0), as_of.min(initial=0)), 1 << 32
    # Both are ascending in (owner, day), so what a request knows is one range.
    place = (number[~is_request] * span + (day - first_day))[order]
    of_owner_first = number[is_request] * span
    midnight = of_owner_first + (as_of - first_day)
    start, end = np.searchsorted(place, of_owner_first), np.searchsorted(place, midnight)
    return Known(asked, rows.take(pa.array(order)), start, end, place, midnight)


def day_numbers(column: pa.ChunkedArray) -> Integers:
    """Days since 1970-01-01 of dates without null."""
    return np.asarray(column.cast(pa.int32()), dtype=np.int64)
