"""Requests and rows of owners, answered as ``features.owner_streams.over_owners`` does it, without Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

from features.owner_streams import Question, answered
from features.parts import BUCKET, Layout, in_parts
from features.whole_owners import ORIGIN, whole_owners

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
    parts = [
        pa.Table.from_batches([part]).add_column(1, ORIGIN, pa.array([origin] * len(part), pa.int32()))
        for origin, (of_origin, of_schema) in enumerate(zip((requests, held), schemas, strict=True))
        for part in in_parts(_batches(of_origin, of_schema, batch_rows), owner, BUCKETS)
    ]
    in_order = pa.concat_tables(parts).sort_by(BUCKET).to_batches(batch_rows) if parts else []
    layouts = [[Layout(of_schema, tuple(of_schema.names))] for of_schema in schemas]
    of_buckets = whole_owners(iter(in_order), layouts, owner)
    found = chain.from_iterable(answered(*of_bucket, [question], **more) for of_bucket in of_buckets)
    return [row for batch in found for row in batch.to_pylist()]


def _batches(rows: Sequence[Mapping[str, Any]], schema: pa.Schema, batch_rows: int) -> list[pa.Table]:
    batches = pa.Table.from_pylist(list(rows), schema).to_batches(batch_rows)
    return [pa.Table.from_batches([batch]) for batch in batches]
