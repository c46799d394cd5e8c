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

from features.ascending import Integers, ascending
from features.parts import BUCKETS_EACH, Batches, Parts, parts_of
from features.places import GROUP, OF_PERSON, OF_USER
from features.spans import laid_out
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
        One row: the same of users of whom nothing is known.
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
        look = _Look(self.unknown, (*self.pasts,), self.n_of_person, self.schema)
        return over_buckets(kinds, OWNER, look, schema, work=work, partitions=self.partitions)


def by_user(rows: DataFrame, partitions: int) -> Parts:
    """Put rows into the parts that all tables of users have."""
    return parts_of(rows, ("user_id",), BUCKETS_EACH * partitions)


def _entry(past: pa.Schema) -> pa.DataType:
    return pa.struct([field for field in past if field.name not in OWNER])


@dataclass(frozen=True)
class _Look:
    """Joins the people of a bucket with the rest."""

    unknown: pa.Table
    lists: tuple[str, ...]
    n_of_person: int
    schema: pa.Schema

    def __call__(self, tables: Sequence[pa.Table], numbers: Sequence[Integers]) -> Batches:
        people, known, *pasts = tables
        of_people, of_known, *of_pasts = numbers
        n_owners = 1 + max(int(of_table.max(initial=-1)) for of_table in numbers)
        users = _Users(known, of_known, self.unknown, n_owners)
        lists = [_Lists(*past, n_owners) for past in zip(pasts, of_pasts, strict=True)]
        for some in (slice(at, at + USERS_AT_ONCE) for at in range(0, len(people), USERS_AT_ONCE)):
            persons, owners = people[some], of_people[some]
            rows = users.of(owners)
            group = pc.add(pc.multiply(rows.column(OF_USER), self.n_of_person), persons.column(OF_PERSON))
            found = dict(zip(rows.column_names, rows.columns, strict=True))
            found |= zip(persons.column_names, persons.columns, strict=True)
            found |= zip(self.lists, (one.of(owners) for one in lists), strict=True)
            found[GROUP] = group.cast(pa.int32())
            columns = [found[name] for name in self.schema.names]
            yield from pa.table(columns, schema=self.schema).combine_chunks().to_batches()


class _Users:
    """What is known of users, by their numbers."""

    def __init__(self, known: pa.Table, of_known: Integers, unknown: pa.Table, n_owners: int) -> None:
        of_users = known.drop_columns([*OWNER])
        self._rows = pa.concat_tables([of_users, unknown.select(of_users.column_names)]).combine_chunks()
        self._row_of = np.full(n_owners, len(known))
        self._row_of[of_known] = np.arange(len(known))

    def of(self, owners: Integers) -> pa.Table:
        """Give a row for each owner."""
        return self._rows.take(pa.array(self._row_of[owners]))


class _Lists:
    """The rows of each owner, by its number, as lists of structs."""

    def __init__(self, past: pa.Table, of_past: Integers, n_owners: int) -> None:
        entries = past.take(pa.array(ascending(of_past))).combine_chunks()
        fields = [*_entry(past.schema)]
        columns = [pa.concat_arrays(entries.column(field.name).chunks) for field in fields]
        self._entries = pa.StructArray.from_arrays(columns, fields=fields)
        self._lengths = np.bincount(of_past, minlength=n_owners)
        self._starts = np.cumsum(self._lengths) - self._lengths

    def of(self, owners: Integers) -> pa.ListArray:
        """Give a list for each owner."""
        lengths = self._lengths[owners]
        _, rows = laid_out(self._starts[owners], lengths)
        bounds = pa.array(np.append(0, np.cumsum(lengths)), pa.int32())
        return pa.ListArray.from_arrays(bounds, self._entries.take(pa.array(rows)))
