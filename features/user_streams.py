"""Requests and rows of many users at many midnights: each request's known rows, in one pass over users."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


def over_users(keys: DataFrame, rows: DataFrame, answer: Callable[[Batches], Batches], schema: str) -> DataFrame:
    """Let a function answer requests from their users' rows.

    Parameters
    ----------
    keys : DataFrame
        ``user_id``, ``as_of`` (date) and whatever else the answer keeps.
    rows : DataFrame
        ``user_id``, ``known`` (date) and whatever else the answer needs; no name of ``keys`` but ``user_id``.
    answer : callable
        From batches with the columns of both (null where a row is of the other kind), in which all of a user follow
        each other, to batches with ``schema``. See ``known_rows``.
    schema : str
        Spark SQL schema of the answer.
    """

    def nulls(frame: DataFrame) -> list[Column]:
        return [F.lit(None).cast(of).alias(name) for name, of in frame.dtypes if name != "user_id"]

    told = [name for name in rows.columns if name != "user_id"]
    asked = keys.select("user_id", *(name for name in keys.columns if name != "user_id"), *nulls(rows))
    both = asked.union(rows.select("user_id", *nulls(keys), *told))
    return both.repartition("user_id").sortWithinPartitions("user_id").mapInArrow(answer, schema)


@dataclass(frozen=True)
class Known:
    """Some requests, and the rows of their users.

    Parameters
    ----------
    asked : pa.Table
        The requests; ``n_requests`` rows.
    rows : pa.Table
        Rows by user and day known.
    start, end : ndarray of shape (n_requests,)
        Request i knows the rows from ``start[i]`` to ``end[i]``, not included.
    """

    asked: pa.Table
    rows: pa.Table
    start: Integers
    end: Integers

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
            yield Known(asked, self.rows, self.start[begin:end], self.end[begin:end])
            begin = end


def known_rows(batches: Batches) -> Iterator[Known]:
    """Find what each request knows.

    Parameters
    ----------
    batches : iterator of RecordBatch
        ``user_id``; ``as_of`` (date; null for a row); ``known`` (date; null for a request). All of a user follow each
        other, in any order.

    Returns
    -------
    iterator of Known
        Whole users, in portions; a request knows the rows with ``known`` before ``as_of``.
    """
    for table in _whole_users(batches):
        yield from _known(table).portions()


def _whole_users(batches: Batches) -> Iterator[pa.Table]:
    """Cut the stream between users: the last user of a batch waits for the next one."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        users = batch.column("user_id")
        first_of_last = batch.num_rows - pc.sum(pc.equal(users, users[-1])).as_py()
        if first_of_last or (waiting and waiting[-1].column("user_id")[-1] != users[-1]):
            yield pa.Table.from_batches([*waiting, batch.slice(0, first_of_last)])
            waiting = []
        waiting.append(batch.slice(first_of_last))
    if waiting:
        yield pa.Table.from_batches(waiting)


def _known(table: pa.Table) -> Known:
    users = table.column("user_id").combine_chunks()
    changes = pc.not_equal(users[1:], users[:-1]).to_numpy(zero_copy_only=False)
    user = np.concatenate([[0], np.cumsum(changes)])
    is_request = table.column("as_of").is_valid().to_numpy()
    asked, rows = table.filter(pa.array(is_request)), table.filter(pa.array(~is_request))
    as_of, known = _days(asked.column("as_of")), _days(rows.column("known"))
    order = np.lexsort((known, user[~is_request]))
    known, owner = known[order], user[~is_request][order]
    # Both are ascending in (user, day), so what a request knows is one range.
    first_day, span = min(known.min(initial=0), as_of.min(initial=0)), 1 << 32
    place = owner * span + (known - first_day)
    owner_of_request = user[is_request]
    start = np.searchsorted(place, owner_of_request * span)
    end = np.searchsorted(place, owner_of_request * span + (as_of - first_day))
    return Known(asked, rows.take(pa.array(order)), start, end)


def _days(column: pa.ChunkedArray) -> Integers:
    return np.asarray(column.cast(pa.int32()), dtype=np.int64)
