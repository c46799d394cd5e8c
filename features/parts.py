"""Rows in parts: those of the same bucket of owners put together and encoded by Arrow, for Spark one row of bytes.

Spark takes microseconds to read a row, to shuffle and to sort it and to hand it to Python. A part costs it next to
nothing; and where rows lie in Parquet files, the files cross to Python as they are, and are decoded there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

Batches: TypeAlias = Iterator[pa.RecordBatch]

BUCKET, ROWS = "owner_bucket", "rows"
PARTS = f"{BUCKET} int, {ROWS} binary"
"""Spark SQL schema of parts."""

ROWS_TOGETHER = 500_000
"""Rows that are parted together, at most a batch or file more; bounds memory, changes nothing."""

BUCKETS_EACH = 4
"""Buckets of a partition: few enough that parts hold many rows, and so many that a bucket's rows are looked at fast."""

_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Layout:
    """How the rows of parts lie.

    Parameters
    ----------
    schema : pa.Schema
        Their columns.
    columns : tuple of str
        Those that are wanted.
    """

    schema: pa.Schema
    columns: tuple[str, ...]

    @property
    def wanted(self) -> pa.Schema:
        """Give the schema of the columns that are wanted."""
        return pa.schema([field for field in self.schema if field.name in self.columns])

    def decoded(self, rows: pa.Buffer) -> pa.Table:
        """Give the rows of a part, no columns but those that are wanted."""
        fields = [place for place, name in enumerate(self.schema.names) if name in self.columns]
        return pa.ipc.open_stream(rows, options=pa.ipc.IpcReadOptions(included_fields=fields)).read_all()


@dataclass(frozen=True)
class Parts:
    """Rows in parts.

    Parameters
    ----------
    frame : DataFrame
        ``PARTS``.
    layout : Layout
        Of the rows.
    by : tuple of str
        Columns that tell the bucket; rows with a null there are in no part.
    buckets : int
        How many there are.
    """

    frame: DataFrame
    layout: Layout
    by: tuple[str, ...]
    buckets: int

    def only(self, *columns: str) -> Parts:
        """Leave out all other columns; they are not decoded."""
        return replace(self, layout=replace(self.layout, columns=columns))


def fitting_buckets(rows: DataFrame) -> int:
    """Give a number of buckets that fits the number of partitions which the session shuffles into."""
    return BUCKETS_EACH * int(rows.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)


def parts_of(rows: DataFrame, by: Sequence[str], buckets: int) -> Parts:
    """Put rows into parts where Spark reads them."""
    layout = _layout(rows)

    def parted(batches: Batches) -> Batches:
        return in_parts((pa.Table.from_batches([batch]) for batch in batches), by, buckets)

    return Parts(rows.mapInArrow(parted, PARTS), layout, tuple(by), buckets)


def parts_of_files(files: DataFrame, like: DataFrame, by: Sequence[str], buckets: int) -> Parts:
    """Put the rows of Parquet files into parts.

    Parameters
    ----------
    files : DataFrame
        ``ds`` (date) and ``content`` (binary) of each file.
    like : DataFrame
        Has the columns to give, of which ``known`` (date) is ``ds``, or the later of it and ``event_day`` where that is
        another one; what a file lacks is null.
    by : sequence of str
        Columns that tell the bucket.
    buckets : int
        How many there are.
    """
    layout = _layout(like)

    def parted(batches: Batches) -> Batches:
        return in_parts(_rows_of_files(batches, layout.schema), by, buckets)

    return Parts(files.select("ds", "content").mapInArrow(parted, PARTS), layout, tuple(by), buckets)


def _layout(rows: DataFrame) -> Layout:
    schema = to_arrow_schema(rows.schema, timezone="UTC")
    return Layout(schema, tuple(schema.names))


def _rows_of_files(batches: Batches, schema: pa.Schema) -> Iterator[pa.Table]:
    for batch in batches:
        for day, content in zip(*batch.columns, strict=True):
            file = pq.ParquetFile(pa.BufferReader(content.as_buffer()))
            held = [name for name in schema.names if name in file.schema_arrow.names]
            rows = file.read(columns=held, use_threads=False)
            given = dict(zip(held, rows.columns, strict=True))
            days = [given[name] for name in held if name == "event_day"]
            given["known"] = pc.max_element_wise(pa.repeat(day, len(rows)), *days)
            columns = [given[name] if name in given else pa.nulls(len(rows)) for name in schema.names]
            yield pa.table(columns, names=schema.names).cast(schema)


def in_parts(tables: Iterable[pa.Table], by: Sequence[str], buckets: int) -> Batches:
    """Put rows of the same bucket together; those with a null among what tells it are left out.

    Parameters
    ----------
    tables : iterable of pa.Table
        Rows.
    by : sequence of str
        Columns that tell the bucket, texts or whole numbers.
    buckets : int
        How many there are.

    Returns
    -------
    iterator of RecordBatch
        ``PARTS``.
    """
    together: list[pa.Table] = []
    for table in tables:
        together.append(table)
        if sum(map(len, together)) >= ROWS_TOGETHER:
            yield _encoded(together, by, buckets)
            together = []
    if together:
        yield _encoded(together, by, buckets)


def _encoded(tables: Sequence[pa.Table], by: Sequence[str], buckets: int) -> pa.RecordBatch:
    rows = without_null(pa.concat_tables(tables).combine_chunks(), by)
    bucket = _buckets([rows.column(name) for name in by], buckets)
    rows = rows.take(pa.array(np.argsort(bucket, kind="stable"))).combine_chunks()
    found, sizes = np.unique(bucket, return_counts=True)
    begins = np.cumsum(sizes) - sizes
    parts = [_as_bytes(rows.slice(*part)) for part in zip(begins.tolist(), sizes.tolist(), strict=True)]
    columns = [pa.array(found.astype(np.int32)), pa.array(parts, pa.binary())]
    return pa.RecordBatch.from_arrays(columns, names=[BUCKET, ROWS])


def without_null(rows: pa.Table, columns: Iterable[str]) -> pa.Table:
    """Leave out the rows with a null in any of some columns."""
    for name in columns:
        column = rows.column(name)
        rows = rows.filter(pc.is_valid(column)) if column.null_count else rows
    return rows


def _buckets(by: Sequence[pa.ChunkedArray], buckets: int) -> NDArray[np.int16]:
    mixed = np.zeros(len(by[0]), dtype=np.uint64)
    for column in by:
        mixed = (mixed + _code(column)) * _ODD
    return ((mixed >> np.uint64(32)) % np.uint64(buckets)).astype(np.int16)


def _code(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Give each value of a column of texts or whole numbers a number; the same in every process."""
    if not pa.types.is_string(column.type):
        return np.asarray(column.to_numpy(), dtype=np.int64).view(np.uint64)
    texts = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    begins, lengths = bounds[:-1], np.diff(bounds)
    code = np.zeros(len(texts), dtype=np.uint64)
    for place in range(int(lengths.max(initial=0))):  # all texts a letter further; few steps, as they name things
        goes_on = np.flatnonzero(lengths > place)
        letters = np.frombuffer(data, np.uint8)[begins[goes_on] + place]
        code[goes_on] = code[goes_on] * _ODD + letters
    return code


def _as_bytes(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(rows)
    return bytes(sink.getvalue())
