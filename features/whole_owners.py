"""Rows of many owners, in buckets: all rows of an owner meet in one, however many frames they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain, groupby
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from features.ascending import Integers
from features.parts import BUCKET, ROWS, Batches, Layout, Parts, fitting_buckets, parts_of, without_null

Rows: TypeAlias = DataFrame | Sequence[DataFrame | Parts]
"""Rows, perhaps of several origins, which together have all columns: null where an origin lacks one."""

Look: TypeAlias = Callable[[Sequence[pa.Table], Sequence[Integers]], Iterable[pa.RecordBatch]]
"""From the rows of a bucket, a table a kind, and their owners' numbers, an array a table, to rows."""

ORIGIN = "origin"
"""Number of the origin of a part."""


def over_buckets(
    kinds: Sequence[Rows],
    owner: Sequence[str],
    look: Look,
    schema: StructType | str,
    *,
    work: Callable[[Batches], Batches] = iter,
    partitions: int | None = None,
) -> DataFrame:
    """Look at all rows of owners together.

    Parameters
    ----------
    kinds : sequence of Rows
        Rows with the owner; nobody owns those with a null for it.
    owner : sequence of str
        Columns that name the owner, of the same types in all kinds.
    look : callable
        Gets the rows of a bucket in no order: a table for each kind, and the numbers of their owners, from 0.
    schema : StructType or str
        Of the rows in the end; a text is in Spark SQL.
    work : callable
        Gets all that a task looked at, and gives other rows; as they are by default.
    partitions : int, optional
        How many tasks there are; by default so many that each gets a fair share of bytes.
    """
    of_kinds = [as_origins(rows) for rows in kinds]
    by, buckets = _parting(chain.from_iterable(of_kinds), owner)
    parts = [
        [origin if isinstance(origin, Parts) else parts_of(origin, by, buckets) for origin in of_kind]
        for of_kind in of_kinds
    ]
    numbered = (
        part.frame.select(BUCKET, F.lit(place).alias(ORIGIN), ROWS)
        for place, part in enumerate(chain.from_iterable(parts))
    )
    parted = reduce(DataFrame.union, numbered)
    together = (
        parted.repartition(BUCKET)
        if partitions is None
        else parted.repartitionById(partitions, F.col(BUCKET) % partitions)
    )
    layouts = [[part.layout for part in of_kind] for of_kind in parts]

    def looked(batches: Batches) -> Batches:
        return work(chain.from_iterable(look(*of_bucket) for of_bucket in whole_owners(batches, layouts, owner)))

    return together.sortWithinPartitions(BUCKET).mapInArrow(looked, schema)


def as_origins(rows: Rows) -> Sequence[DataFrame | Parts]:
    """Give the origins of rows, which may be one."""
    return [rows] if isinstance(rows, DataFrame) else rows


def only(rows: Rows, columns: Sequence[str]) -> list[DataFrame | Parts]:
    """Leave out all other columns."""
    return [part.only(*columns) if isinstance(part, Parts) else part.select(*columns) for part in as_origins(rows)]


def _parting(origins: Iterable[DataFrame | Parts], owner: Sequence[str]) -> tuple[Sequence[str], int]:
    """Tell by which columns rows are parted into how many buckets: as those that are in parts already, if any are."""
    given, rows = set(), None
    for origin in origins:
        if isinstance(origin, Parts):
            given.add((origin.by, origin.buckets))
        else:
            rows = origin
    if not given and rows is not None:
        return owner, fitting_buckets(rows)
    (parting,) = given
    return parting


def whole_owners(
    batches: Batches, kinds: Sequence[Sequence[Layout]], owner: Sequence[str]
) -> Iterator[tuple[list[pa.Table], list[Integers]]]:
    """Give the rows of each bucket, and the number of each row's owner.

    Parameters
    ----------
    batches : iterator of RecordBatch
        ``BUCKET, ORIGIN, ROWS`` of parts, those of a bucket following each other.
    kinds : sequence of sequence of Layout
        How the parts of each origin lie, by kind.
    owner : sequence of str
        Columns that name the owner.

    Yields
    ------
    tables : list of pa.Table
        A kind's rows; none, where it has none in the bucket.
    numbers : list of ndarray of shape (n_rows,)
        A table's.
    """
    parts = chain.from_iterable(zip(*batch.columns, strict=True) for batch in batches)
    origins = [(kind, layout) for kind, layouts in enumerate(kinds) for layout in layouts]
    for _, of_bucket in groupby(parts, key=lambda part: part[0].as_py()):
        found = [[layout.wanted.empty_table() for layout in layouts] for layouts in kinds]
        for _, origin, rows in of_bucket:
            kind, layout = origins[origin.as_py()]
            found[kind].append(without_null(layout.decoded(rows.as_buffer()), owner))
        tables = [pa.concat_tables(of_kind, promote_options="default").combine_chunks() for of_kind in found]
        yield tables, _numbers([table.select(owner) for table in tables])


def _numbers(owners: Sequence[pa.Table]) -> list[Integers]:
    """Give each owner a number, the same in all tables."""
    codes = np.zeros(sum(map(len, owners)), dtype=np.int64)
    for column in pa.concat_tables(owners).columns:
        encoded = column.combine_chunks().dictionary_encode()
        of_both = codes * len(encoded.dictionary) + encoded.indices.to_numpy()
        codes = pa.array(of_both).dictionary_encode().indices.to_numpy().astype(np.int64)
    return np.split(codes, np.cumsum([*map(len, owners)])[:-1])
