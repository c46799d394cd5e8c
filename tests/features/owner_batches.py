"""Requests and rows of owners, answered as ``features.owner_streams.over_owners`` does it, without Spark."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

from features.owner_streams import Question, answered
from features.whole_owners import BUCKET, parted, whole_owners

BUCKETS = 3

SCHEMA = pa.schema({
    "user_id": pa.string(), "as_of": pa.date32(), "row_0": pa.struct({"known": pa.date32(), "n": pa.int64()}),
})  # fmt: skip
"""Of requests, and of rows that count something."""


def answers_to(
    question: Question,
    rows: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
    batch_rows: int,
    owner: Sequence[str] = ("user_id",),
    **more: Any,
) -> list[dict[str, Any]]:
    """Give what is answered to the requests among the rows; ``row_0``, the schema's last, has what others hold."""
    of_owner = [schema.field(name) for name in owner]
    schemas = [pa.schema(list(schema)[:-1]), pa.schema([*of_owner, *schema[-1].type])]
    requests = [row for row in rows if "row_0" not in row]
    held = [{**row, **row["row_0"]} for row in rows if "row_0" in row]
    parts = chain.from_iterable(
        parted(iter(_batches(of_frame, of_schema, owner, batch_rows)), frame)
        for frame, (of_frame, of_schema) in enumerate(zip((requests, held), schemas, strict=True))
    )
    shuffled = pa.Table.from_batches(parts) if rows else None
    in_order = shuffled.sort_by(BUCKET).to_batches(batch_rows) if shuffled else []
    of_buckets = whole_owners(iter(in_order), schemas, owner)
    found = chain.from_iterable(answered(*of_bucket, [question], **more) for of_bucket in of_buckets)
    return [row for batch in found for row in batch.to_pylist()]


def _batches(
    rows: Sequence[Mapping[str, Any]], schema: pa.Schema, owner: Sequence[str], batch_rows: int
) -> list[pa.RecordBatch]:
    def bucket(row: Mapping[str, Any]) -> int:
        return zlib.crc32(" ".join(row[name] for name in owner).encode()) % BUCKETS

    with_bucket = pa.schema([pa.field(BUCKET, pa.int32()), *schema])
    in_buckets = [{**row, BUCKET: bucket(row)} for row in rows]
    return pa.Table.from_pylist(in_buckets, with_bucket).to_batches(batch_rows)
