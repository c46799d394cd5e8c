"""From Arrow tables to arrays: what null becomes, and who is the same user."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from models.batch import to_batch, to_encode, to_labelled_rows
from models.schema import Feature, FeatureSchema
from models.serving.encoder import RowEncoder

SCHEMA = FeatureSchema(
    "h",
    (
        Feature("count", "bigint", "numeric"),
        Feature("flag", "boolean", "numeric"),
        Feature("word", "string", "categorical"),
    ),
)
TABLE = pa.table(
    {
        "user_id": ["b", "a", "b"],
        "label": pa.array([0, 1, 0], pa.int32()),
        "count": pa.array([1, None, 3], pa.int64()),
        "flag": pa.array([True, None, False]),
        "word": ["x", None, "y"],
        "latents": pa.array([[1, 2], None, []], pa.list_(pa.int16())),
        "latent_values": pa.array([[0.5, 1], None, []], pa.list_(pa.float32())),
    }
)


def test_nulls_are_nan_in_numbers_and_none_elsewhere() -> None:
    batch = to_batch(TABLE, SCHEMA)
    np.testing.assert_array_equal(batch["count"], [1, np.nan, 3])
    np.testing.assert_array_equal(batch["flag"], [1, np.nan, 0])
    assert batch["word"].tolist() == ["x", None, "y"]
    assert batch["latents"][1] is None
    assert [list(code) for code in batch["latents"][[0, 2]]] == [[1, 2], []]


def test_columns_of_chunks_and_of_no_rows() -> None:
    chunked = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])
    assert to_batch(chunked, SCHEMA)["word"].tolist() == ["x", None, "y"]
    assert {len(column) for column in to_batch(TABLE.slice(0, 0), SCHEMA).values()} == {0}


def test_users_are_numbered() -> None:
    rows = to_labelled_rows(TABLE, SCHEMA)
    assert rows.user[0] == rows.user[2] != rows.user[1]
    assert rows.label.tolist() == [0, 1, 0]
    assert len(rows.take(np.array([2, 1]))) == 2
    assert rows.take(np.array([1])).batch["word"].tolist() == [None]


def test_codes_may_be_absent() -> None:
    assert "latents" not in to_batch(TABLE.drop_columns(["latents", "latent_values"]), SCHEMA)


def test_arrow_columns_are_encoded_as_arrays_are() -> None:
    encoder = RowEncoder(numeric=("count", "flag"), vocabularies={"word": ("y",)}, n_latents=3)
    rows = TABLE.combine_chunks().to_batches()[0]
    for some in (rows, rows.slice(1), rows.slice(1, 1), rows.slice(0, 0)):
        expected = encoder.encode(to_batch(pa.Table.from_batches([some]), SCHEMA))
        np.testing.assert_array_equal(encoder.encode(to_encode(some, encoder)), expected)
    expected = [[1, 1, 1, 0, 0.5, 1], [np.nan, np.nan, 0, 0, 0, 0], [3, 0, 2, 0, 0, 0]]
    np.testing.assert_array_equal(encoder.encode(to_encode(rows, encoder)), expected)
