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
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.known import Known, day_numbers, known_by
from features.whole_owners import Batches, by_owner, whole_owners

KIND = "row_kind"
"""Number of a row's kind in a stream; null for a request."""

ROWS_TOGETHER = 50_000
"""Rows of the stream that are looked at together, at least; with fewer, most of numpy's time goes into calling it."""


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
            known = known_by(as_of, of_asked, rows, number, np.flatnonzero(kind == place))
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
