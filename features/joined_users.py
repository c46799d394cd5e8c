"""Users with what is known of them: from several tables, met in Python, for whoever goes through them there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from features.ascending import Integers
from features.parts import BUCKETS_EACH, Batches, Parts, parts_of
from features.places import GROUP, OF_PERSON, OF_USER
from features.whole_owners import over_buckets

OWNER = ("user_id", "as_of")

USERS_AT_ONCE = 10_000
"""Most users of a batch; bounds memory, changes nothing."""


@dataclass(frozen=True)
class JoinedUsers:
    """People, each with the user that they are and what the user has a past with.

    Parameters
    ----------
    people : Parts
        ``OWNER``, ``OF_PERSON`` and what else is to be given.
    known : Parts
        ``OWNER``, unique, ``OF_USER`` and what else is to be given of users.
    unknown : pa.Table
        ``as_of``, unique, and the same of users of whom nothing is known.
    pasts : mapping of str to Parts
        Column of a list -> ``OWNER`` and what its structs hold.
    n_of_person : int
        How many groups people make: ``GROUP`` is ``OF_USER`` times that, and ``OF_PERSON``.
    columns : tuple of str
        Those to give, in their order.
    partitions : int
        How many tasks go through them.
    """

    people: Parts
    known: Parts
    unknown: pa.Table
    pasts: Mapping[str, Parts]
    n_of_person: int
    columns: tuple[str, ...]
    partitions: int

    @property
    def schema(self) -> pa.Schema:
        """What is given; a list is empty where a user has no such past."""
        of_lists = [pa.field(name, pa.list_(_entry(past.layout.schema))) for name, past in self.pasts.items()]
        fields = [*self.people.layout.schema, *self.known.layout.schema, pa.field(GROUP, pa.int32()), *of_lists]
        of_name = {field.name: field for field in fields}
        return pa.schema([of_name[name] for name in self.columns])

    @property
    def session(self) -> SparkSession:
        """Whose frames they are."""
        return self.people.frame.sparkSession

    def frame(self) -> DataFrame:
        """Give them all as a frame."""
        return self.mapped(iter, from_arrow_schema(self.schema))

    def mapped(self, work: Callable[[Batches], Batches], schema: StructType | str) -> DataFrame:
        """Let tasks go through them, batch by batch, where they meet; ``schema`` is of what ``work`` gives."""
        kinds = [[part] for part in (self.people, self.known, *self.pasts.values())]
        unknown, names, n_of_person, given = self.unknown, [*self.pasts], self.n_of_person, self.schema

        def joined(tables: Sequence[pa.Table], numbers: Sequence[Integers]) -> Batches:
            people, known, *pasts = tables
            of_people, of_known, *of_pasts = numbers
            users = _Users(known, of_known, unknown)
            lists = {name: _Lists(*past) for name, past in zip(names, zip(pasts, of_pasts, strict=True), strict=True)}
            for some in (slice(at, at + USERS_AT_ONCE) for at in range(0, len(people), USERS_AT_ONCE)):
                persons, owners = people[some], of_people[some]
                of_user = users.of(owners, persons.column("as_of"))
                group = pc.add(pc.multiply(of_user.column(OF_USER), n_of_person), persons.column(OF_PERSON))
                found = {name: persons.column(name) for name in persons.column_names}
                found |= {name: of_user.column(name) for name in of_user.column_names if name not in found}
                found |= {GROUP: group.cast(pa.int32())} | {name: one.of(owners) for name, one in lists.items()}
                yield from pa.table([found[name] for name in given.names], schema=given).combine_chunks().to_batches()

        return over_buckets(kinds, OWNER, joined, schema, work=work, partitions=self.partitions)


def by_user(rows: DataFrame, partitions: int) -> Parts:
    """Put rows into the parts that all tables of users have."""
    return parts_of(rows, ("user_id",), BUCKETS_EACH * partitions)


def _entry(past: pa.Schema) -> pa.DataType:
    return pa.struct([field for field in past if field.name not in OWNER])


class _Users:
    """What is known of users, by their numbers."""

    def __init__(self, known: pa.Table, of_known: Integers, unknown: pa.Table) -> None:
        self._rows = pa.concat_tables([known.drop_columns("user_id"), unknown.select(_besides_user(known))])
        self._rows = self._rows.combine_chunks()
        self._unknown, self._n_known = unknown.column("as_of"), len(known)
        self._of_number = np.full(of_known.max(initial=-1) + 1, -1)
        self._of_number[of_known] = np.arange(len(known))

    def of(self, owners: Integers, as_of: pa.ChunkedArray) -> pa.Table:
        """Give a row for each owner."""
        rows = np.full(len(owners), -1)
        met = owners < len(self._of_number)
        rows[met] = self._of_number[owners[met]]
        nowhere = rows < 0
        if nowhere.any():
            nobody = pc.index_in(as_of, self._unknown.combine_chunks()).to_numpy()
            rows[nowhere] = self._n_known + nobody[nowhere]
        return self._rows.take(pa.array(rows))


class _Lists:
    """The rows of each owner, by its number, as lists of structs."""

    def __init__(self, past: pa.Table, of_past: Integers) -> None:
        entries = past.drop_columns([*OWNER]).take(pa.array(np.argsort(of_past, kind="stable")))
        self._entries = pa.concat_arrays(entries.to_struct_array().chunks) if len(entries) else None
        self._type = _entry(past.schema)
        self._lengths = np.bincount(of_past)
        self._starts = np.cumsum(self._lengths) - self._lengths

    def of(self, owners: Integers) -> pa.ListArray:
        """Give a list for each owner."""
        lengths, starts = np.zeros((2, len(owners)), dtype=np.int64)
        met = owners < len(self._lengths)
        lengths[met], starts[met] = self._lengths[owners[met]], self._starts[owners[met]]
        ends = np.cumsum(lengths)
        rows = np.repeat(starts - ends + lengths, lengths) + np.arange(lengths.sum())
        entries = pa.array([], self._type) if self._entries is None else self._entries.take(pa.array(rows))
        return pa.ListArray.from_arrays(pa.array(np.append(0, ends), pa.int32()), entries)


def _besides_user(known: pa.Table) -> list[str]:
    return [name for name in known.column_names if name != "user_id"]
