"""Requests and rows of many owners (users, campaigns) at many midnights: each request's known rows, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from features.ascending import Integers
from features.known import Known, day_numbers, known_by
from features.whole_owners import Rows, over_buckets

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


Told: TypeAlias = tuple[Rows, Question]
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
    questions = [question for _, question in told]
    columns = [*keys.dtypes, *(column for question in questions for column in question.columns.items())]
    schema = ", ".join(f"`{name}` {of}" for name, of in columns)

    def look(tables: Sequence[pa.Table], owners: Sequence[Integers]) -> Iterable[pa.RecordBatch]:
        return answered(tables, owners, questions, everybody)

    return over_buckets([keys, *(rows for rows, _ in told)], owner, look, schema)


def answered(
    tables: Sequence[pa.Table],
    owners: Sequence[Integers],
    questions: Sequence[Question],
    everybody: Mapping[str, date] | None = None,
) -> list[pa.RecordBatch]:
    """Give the requests that know any row, with the answers.

    Parameters
    ----------
    tables : sequence of pa.Table
        Requests, with ``as_of`` (date), and for each question the rows that it is about, with ``known`` (date).
    owners : sequence of ndarray
        A table's owners, as numbers from 0.
    questions : sequence of Question
        What is asked.
    everybody : mapping of str to date, optional
        See `over_owners`.
    """
    (found, *rows), (of_asked, *of_rows) = tables, owners
    if everybody:
        first = np.unique(np.concatenate(owners), return_index=True)[1]
        names = [name for name in found.column_names if name not in everybody]
        asking = pa.concat_tables(table.select(names) for table in tables).take(pa.array(first))
        found = pa.concat_tables([found, _requests(asking, everybody).select(found.column_names)])
        of_asked = np.concatenate([of_asked, np.arange(len(first))])
    if not len(found):
        return []
    as_of = day_numbers(found.column("as_of"))
    is_known = np.zeros(len(found), dtype=bool)
    for question, of_kind, of_row in zip(questions, rows, of_rows, strict=True):
        known = known_by(as_of, of_asked, of_kind, of_row)
        known = known if question.days is None else known.since(question.days)
        for name, values in _answers(known, question).items():
            found = found.append_column(name, values)
        is_known |= known.lengths > 0
    batches: list[pa.RecordBatch] = found.filter(pa.array(is_known)).to_batches()
    return batches


def _requests(owners: pa.Table, columns: Mapping[str, date]) -> pa.Table:
    """Let each owner ask with the same columns."""
    for name, value in columns.items():
        owners = owners.append_column(name, pa.array([value] * len(owners), pa.date32()))
    return owners


def _answers(known: Known, question: Question) -> dict[str, pa.ChunkedArray]:
    """Give a question's columns; null for requests that know nothing."""
    portions = [question.answer(portion) for portion in known.portions()]
    there = pa.array(np.arange(len(known.start)), mask=known.lengths == 0)
    columns = {name: pa.chunked_array([portion[name] for portion in portions]) for name in question.columns}
    return columns if not there.null_count else {name: column.take(there) for name, column in columns.items()}
