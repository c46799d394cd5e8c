"""Rows of many owners, in buckets: all rows of an owner meet in one, however many frames they come from.

Spark takes microseconds to shuffle a row, to sort it and to hand it to Python. So rows cross as parts: where they are
read, those of a bucket are put together and encoded by Arrow, and for Spark a part is one row of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain, groupby
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from features.ascending import Integers

Batches: TypeAlias = Iterator[pa.RecordBatch]

BUCKET = "owner_bucket"
PARTS = f"{BUCKET} int, frame int, rows binary"
"""Spark SQL schema of parts: their bucket, which of several frames they are of, and their rows."""

ROWS_TOGETHER = 500_000
"""Rows that are parted together, at most one batch more; bounds memory, changes nothing."""

BUCKETS_EACH = 4
"""Buckets of a partition: few enough that parts hold many rows, and so many that a bucket's rows are looked at fast."""

Look: TypeAlias = Callable[[Sequence[pa.Table], Sequence[Integers]], Iterable[pa.RecordBatch]]
"""From the rows of a bucket, a table a frame, and their owners' numbers, an array a table, to rows."""


def over_buckets(frames: Sequence[DataFrame], owner: Sequence[str], look: Look, schema: str) -> DataFrame:
    """Look at all rows of owners together.

    Parameters
    ----------
    frames : sequence of DataFrame
        Rows with the owner; nobody owns those with a null for it.
    owner : sequence of str
        Columns that name the owner, of the same types in all frames.
    look : callable
        Gets the rows of a bucket in no order: a table for each frame, and the numbers of their owners, from 0.
    schema : str
        Of what it gives, in Spark SQL.
    """
    schemas = [to_arrow_schema(frame.schema, timezone="UTC") for frame in frames]
    buckets = BUCKETS_EACH * int(frames[0].sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    parts = reduce(DataFrame.union, (_parts(frame, place, owner, buckets) for place, frame in enumerate(frames)))

    def looked(batches: Batches) -> Batches:
        return chain.from_iterable(look(*of_bucket) for of_bucket in whole_owners(batches, schemas, owner))

    return parts.repartition(BUCKET).sortWithinPartitions(BUCKET).mapInArrow(looked, schema)


def _parts(frame: DataFrame, place: int, owner: Sequence[str], buckets: int) -> DataFrame:
    bucket = F.pmod(F.xxhash64(*owner), F.lit(buckets)).cast("int").alias(BUCKET)
    owned = frame.dropna(subset=list(owner)).select(bucket, "*")
    return owned.mapInArrow(lambda batches: parted(batches, place), PARTS)


def parted(batches: Batches, frame: int) -> Batches:
    """Put rows of the same bucket together.

    Parameters
    ----------
    batches : iterator of RecordBatch
        ``BUCKET`` (int), and the columns of the rows.
    frame : int
        Which of several frames they are of.

    Returns
    -------
    iterator of RecordBatch
        ``PARTS``.
    """
    together: list[pa.RecordBatch] = []
    for batch in batches:
        together.append(batch)
        if sum(piece.num_rows for piece in together) >= ROWS_TOGETHER:
            yield _encoded(together, frame)
            together = []
    if together:
        yield _encoded(together, frame)


def _encoded(pieces: Sequence[pa.RecordBatch], frame: int) -> pa.RecordBatch:
    table = pa.Table.from_batches(pieces)
    bucket = table.column(BUCKET).to_numpy()
    rows = table.drop_columns(BUCKET).take(pa.array(np.argsort(bucket, kind="stable")))
    buckets, sizes = np.unique(bucket, return_counts=True)
    begins = np.cumsum(sizes) - sizes
    parts = [_as_bytes(rows.slice(*part)) for part in zip(begins.tolist(), sizes.tolist(), strict=True)]
    frames = pa.array([frame] * len(parts), pa.int32())
    columns = [pa.array(buckets.astype(np.int32)), frames, pa.array(parts, pa.binary())]
    return pa.RecordBatch.from_arrays(columns, names=[BUCKET, "frame", "rows"])


def _as_bytes(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(rows.combine_chunks())
    return bytes(sink.getvalue())


def whole_owners(
    batches: Batches, schemas: Sequence[pa.Schema], owner: Sequence[str]
) -> Iterator[tuple[list[pa.Table], list[Integers]]]:
    """Give the rows of each bucket, and the number of each row's owner.

    Parameters
    ----------
    batches : iterator of RecordBatch
        ``PARTS``, of a bucket following each other.
    schemas : sequence of pa.Schema
        Those of the frames.
    owner : sequence of str
        Columns that name the owner.

    Yields
    ------
    tables : list of pa.Table
        A frame's rows; none, where it has none in the bucket.
    numbers : list of ndarray of shape (n_rows,)
        A table's.
    """
    parts = chain.from_iterable(zip(*batch.columns, strict=True) for batch in batches)
    for _, of_bucket in groupby(parts, key=lambda part: part[0].as_py()):
        of_frames: list[list[pa.Table]] = [[] for _ in schemas]
        for _, frame, rows in of_bucket:
            of_frames[frame.as_py()].append(pa.ipc.open_stream(rows.as_buffer()).read_all())
        there = zip(of_frames, schemas, strict=True)
        tables = [pa.concat_tables(of_frame or [schema.empty_table()]).combine_chunks() for of_frame, schema in there]
        yield tables, _numbers([table.select(owner) for table in tables])


def _numbers(owners: Sequence[pa.Table]) -> list[Integers]:
    """Give each owner a number, the same in all tables."""
    codes = np.zeros(sum(map(len, owners)), dtype=np.int64)
    for column in pa.concat_tables(owners).columns:
        encoded = column.combine_chunks().dictionary_encode()
        of_both = codes * len(encoded.dictionary) + encoded.indices.to_numpy()
        codes = pa.array(of_both).dictionary_encode().indices.to_numpy().astype(np.int64)
    return np.split(codes, np.cumsum([*map(len, owners)])[:-1])
