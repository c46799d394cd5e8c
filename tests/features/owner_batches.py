"""Streams of owners as ``features.whole_owners.by_owner`` gives them, at worst: many owners share a hash."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from features.owner_streams import KIND, Kind, Question, answered
from features.whole_owners import OWNER_HASH

HASHES = 3

SCHEMA = pa.schema({
    "user_id": pa.string(), "as_of": pa.date32(), "row_0": pa.struct({"known": pa.date32(), "n": pa.int64()}),
})  # fmt: skip
"""Of requests, and of rows that count something."""


def stream(
    rows: Sequence[Mapping[str, Any]], schema: pa.Schema, batch_rows: int, owner: Sequence[str] = ("user_id",)
) -> Iterator[pa.RecordBatch]:
    """Give rows, in their order where owners share a hash; the owner comes first in the schema, ``row_0`` last."""

    def hashed(row: Mapping[str, Any]) -> int:
        return zlib.crc32(" ".join(row[name] for name in owner).encode()) % HASHES

    of_kind = [{**row, **row.get("row_0", {}), KIND: 0 if "row_0" in row else None} for row in rows]
    of_stream = [{OWNER_HASH: hashed(row), **row} for row in sorted(of_kind, key=hashed)]
    fields = [pa.field(OWNER_HASH, pa.int64()), *list(schema)[:-1], pa.field(KIND, pa.int32()), *schema[-1].type]
    return iter(pa.Table.from_pylist(of_stream, pa.schema(fields)).to_batches(batch_rows))


def answers_to(
    question: Question,
    rows: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
    batch_rows: int,
    owner: Sequence[str] = ("user_id",),
    **more: Any,
) -> list[dict[str, Any]]:
    """Give what is answered to the requests among the rows, whose columns are kept."""
    kind = Kind(question, {field.name: field.name for field in schema[-1].type})
    batches = answered(stream(rows, schema, batch_rows, owner), schema.names[:-1], [kind], len(owner), **more)
    return [row for batch in batches for row in batch.to_pylist()]
