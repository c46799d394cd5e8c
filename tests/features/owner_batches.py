"""Streams of owners as ``features.whole_owners.by_owner`` gives them, at worst: many owners share a hash."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from features.whole_owners import OWNER_HASH

HASHES = 3

SCHEMA = pa.schema({
    "user_id": pa.string(), "as_of": pa.date32(), "row_0": pa.struct({"known": pa.date32(), "n": pa.int64()}),
})  # fmt: skip
"""Of requests, and of rows that count something."""


def stream(
    rows: Sequence[Mapping[str, Any]], schema: pa.Schema, batch_rows: int, owner: Sequence[str] = ("user_id",)
) -> Iterator[pa.RecordBatch]:
    """Give rows, in their order where owners share a hash; the owner comes first in the schema."""

    def hashed(row: Mapping[str, Any]) -> int:
        return zlib.crc32(" ".join(row[name] for name in owner).encode()) % HASHES

    of_stream = [{OWNER_HASH: hashed(row), **row} for row in sorted(rows, key=hashed)]
    table = pa.Table.from_pylist(of_stream, schema.insert(0, pa.field(OWNER_HASH, pa.int64())))
    return iter(table.to_batches(batch_rows))
