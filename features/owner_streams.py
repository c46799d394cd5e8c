"""Requests and rows of many owners (users, campaigns) at many midnights: each request's known rows, in one pass."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from itertools import count
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.ascending import Integers, ascending
from features.whole_owners import Batches, by_owner, whole_owners

KIND = "row_kind"
"""Number of a row's kind in a stream; null for a request."""

NEVER = np.iinfo(np.int64).min
"""Less than any time or day."""

SPAN = 1 << 32
"""How far apart the places of two owners' rows are; more than there are days."""

ROWS_AT_ONCE = 1_000_000
"""Known rows, counted once for each request, that are taken in one step; bounds memory, changes nothing."""

ROWS_TOGETHER = 50_000
"""Rows of the stream that are looked at together, at least; with fewer, most of numpy's time goes into calling it."""


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
        request = np.repeat(np.arange(len(self.start)), self.lengths)
        first = np.cumsum(self.lengths) - self.lengths
        return request, np.arange(len(request)) + np.repeat(self.start - first, self.lengths)

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


Answer: TypeAlias = Callable[[Known], Mapping[str, pa.Array]]
"""From requests and what they know to columns with a value a request."""


@dataclass(frozen=True)
class Question:
    """What every request asks of the rows that it knows.

    Parameters
    ----------
    answer : callable
        Gives the columns.
    columns : mapping of str to str
        Their names and Spark SQL types.
    days : int, optional
        Requests know the rows that became known in so many days before ``as_of``; all of them by default.
    """

    answer: Answer
    columns: Mapping[str, str]
    days: int | None = None

    def and_of(self, other: Question) -> Question:
        """Ask the same rows of the same days for another one's columns, too."""
        first, second = self.answer, other.answer
        return replace(
            self, answer=lambda known: {**first(known), **second(known)}, columns={**self.columns, **other.columns}
        )


@dataclass(frozen=True)
class Kind:
    """Rows of one kind in a stream: what is asked of them, and the stream's column for each of theirs."""

    question: Question
    slots: Mapping[str, str]


Told: TypeAlias = tuple[DataFrame, Question]
"""Rows with their owner, ``known`` (date) and whatever else the answer needs, and what is asked of them."""


def read_once(told: Iterable[Told]) -> list[Told]:
    """Put together what is asked of the same days of the same rows, the very same object."""
    together: dict[tuple[int, int | None], Told] = {}
    for rows, question in told:
        of = id(rows), question.days
        together[of] = (rows, together[of][1].and_of(question) if of in together else question)
    return list(together.values())


def over_owners(
    keys: DataFrame,
    told: Sequence[Told],
    *,
    owner: Sequence[str] = ("user_id",),
    everybody: Mapping[str, date] | None = None,
) -> DataFrame:
    """Answer requests from their owners' rows, of several kinds, in one pass.

    Parameters
    ----------
    keys : DataFrame
        The owner, ``as_of`` (date) and whatever else is to be kept. Those with a null for owner know nothing.
    told : sequence of Told
        The kinds of rows; those that several questions are asked of cross to Python once. Nobody owns those with a null
        for owner.
    owner : sequence of str
        Columns that name the owner.
    everybody : mapping of str to date, optional
        A request of each owner of any row, which none of ``keys`` is: all their columns but the owner's.

    Returns
    -------
    DataFrame
        The columns of ``keys`` and the answers', for the requests that know any row; those to a question are null for
        requests that know none of its rows.
    """
    told = read_once(told)
    asked = _owned(keys, owner).select(*owner, *(name for name in keys.columns if name not in owner))
    kinds = [Kind(question, slots_of(rows, owner)) for rows, question in told]
    of_kind = [_in_slots(rows, owner, place, kinds[place].slots) for place, (rows, _) in enumerate(told)]
    together = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), of_kind, asked)
    kept, of_owner = keys.columns, len(owner)
    types = [*keys.dtypes, *(column for kind in kinds for column in kind.question.columns.items())]
    schema = ", ".join(f"`{name}` {of}" for name, of in types)

    def answers(batches: Batches) -> Batches:
        return answered(batches, kept, kinds, of_owner, everybody)

    return by_owner(together, owner).mapInArrow(answers, schema)


def slots_of(rows: DataFrame, owner: Sequence[str]) -> dict[str, str]:
    """Give each column but the owner's the name of one of its type, which rows of all kinds share.

    A stream of several kinds has few columns by that: every row that crosses to Python takes time for each of them.
    """
    numbers: dict[str, Iterator[int]] = defaultdict(count)
    types = {name: re.sub(r"\W", "_", of) for name, of in rows.dtypes if name not in owner}
    return {name: f"{of}_{next(numbers[of])}" for name, of in types.items()}


def _in_slots(rows: DataFrame, owner: Sequence[str], place: int, slots: Mapping[str, str]) -> DataFrame:
    columns = (F.col(name).alias(slot) for name, slot in slots.items())
    return _owned(rows, owner).select(*owner, F.lit(place).alias(KIND), *columns)


def _owned(rows: DataFrame, owner: Sequence[str]) -> DataFrame:
    return rows.dropna(subset=list(owner))


def answered(
    batches: Batches,
    kept: Sequence[str],
    kinds: Sequence[Kind],
    of_owner: int = 1,
    everybody: Mapping[str, date] | None = None,
) -> Batches:
    """Give the columns to keep and the answers, for each request that knows any row.

    Parameters
    ----------
    batches : iterator of RecordBatch
        A stream as `by_owner` gives it: ``OWNER_HASH``, the owner, ``KIND`` (int; null for a request), the columns of
        requests, ``as_of`` (date) among them, and those of all kinds; null where a row has none of the kind.
    kept : sequence of str
        Columns of requests.
    kinds : sequence of Kind
        By the number that ``KIND`` has.
    of_owner : int
        How many columns name the owner.
    everybody : mapping of str to date, optional
        See `over_owners`.
    """
    for table, number in whole_owners(batches, of_owner, ROWS_TOGETHER):
        kind = table.column(KIND).fill_null(-1).to_numpy()
        requests = np.flatnonzero(kind == -1)
        found, of_asked = table.select(kept).take(pa.array(requests)), number[requests]
        if everybody:
            first = np.flatnonzero(np.diff(number, prepend=-1))
            found = pa.concat_tables([found, _requests(table.take(pa.array(first)), everybody).select(kept)])
            of_asked = np.concatenate([of_asked, number[first]])
        if not len(found):
            continue
        as_of = day_numbers(found.column("as_of"))
        is_known = np.zeros(len(found), dtype=bool)
        for place, one in enumerate(kinds):
            rows = table.select([*one.slots.values()]).rename_columns([*one.slots])
            known = _known(as_of, of_asked, rows, number, np.flatnonzero(kind == place))
            known = known if one.question.days is None else known.since(one.question.days)
            for name, values in _answers(known, one.question).items():
                found = found.append_column(name, values)
            is_known |= known.lengths > 0
        yield from found.filter(pa.array(is_known)).to_batches()


def _requests(owners: pa.Table, columns: Mapping[str, date]) -> pa.Table:
    """Let each owner ask with the same columns."""
    for name, value in columns.items():
        place = owners.schema.get_field_index(name)
        owners = owners.set_column(place, name, pa.array([value] * len(owners), pa.date32()))
    return owners


def _answers(known: Known, question: Question) -> dict[str, pa.ChunkedArray]:
    """Give a question's columns; null for requests that know nothing."""
    portions = [question.answer(portion) for portion in known.portions()]
    there = pa.array(np.arange(len(known.start)), mask=known.lengths == 0)
    columns = {name: pa.chunked_array([portion[name] for portion in portions]) for name in question.columns}
    return columns if not there.null_count else {name: column.take(there) for name, column in columns.items()}


def _known(as_of: Integers, of_request: Integers, rows: pa.Table, of_row: Integers, chosen: Integers) -> Known:
    """Find what each request knows: its owner's chosen rows with ``known`` before ``as_of``; owners are numbers."""
    of_row, day = of_row[chosen], day_numbers(rows.column("known").take(pa.array(chosen)))
    order = ascending(of_row, day)
    first_day = min(day.min(initial=0), as_of.min(initial=0))
    # Both are ascending in (owner, day), so what a request knows is one range.
    place = (of_row * SPAN + (day - first_day))[order]
    owner_first = of_request * SPAN
    midnight = owner_first + (as_of - first_day)
    start, end = np.searchsorted(place, owner_first), np.searchsorted(place, midnight)
    return Known(as_of, rows.take(pa.array(chosen[order])), start, end, place, midnight)


def dates(days: pa.Array) -> pa.Array:
    """Dates of days since 1970-01-01; what ``day_numbers`` takes, and null stays null."""
    return days.cast(pa.int32()).cast(pa.date32())


def day_numbers(column: pa.ChunkedArray) -> Integers:
    """Days since 1970-01-01 of dates without null."""
    return np.asarray(column.cast(pa.int32()), dtype=np.int64)
