"""Raw feature rows as arrays, made of Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.schema import FeatureSchema
from models.serving.encoder import LATENT_VALUES, LATENTS, RowEncoder
from models.serving.types import Lists, Words

ArrayBatch: TypeAlias = dict[str, NDArray[Any]]
"""Column name -> array: float64 with NaN for null where numeric, objects with None for null elsewhere."""


@dataclass(frozen=True)
class LabelledRows:
    """Rows of one part of a training set."""

    batch: ArrayBatch
    """Raw feature rows."""
    label: NDArray[np.int64]
    """Shape (n_rows,): 1 where the send was clicked."""
    user: NDArray[np.int64]
    """Shape (n_rows,): a number for each user; what is resampled and cross-fitted is users."""

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: NDArray[np.intp]) -> LabelledRows:
        """Give some of the rows, in the order asked for."""
        return LabelledRows(take(self.batch, rows), self.label[rows], self.user[rows])


def joined(first: LabelledRows, second: LabelledRows) -> LabelledRows:
    """Give the rows of two parts as one, the first part's first; their users are taken as different ones."""
    return LabelledRows(
        {name: np.concatenate([column, second.batch[name]]) for name, column in first.batch.items()},
        np.concatenate([first.label, second.label]),
        np.concatenate([first.user, second.user + first.user.max(initial=-1) + 1]),
    )


def take(batch: Mapping[str, NDArray[Any]], rows: NDArray[np.intp]) -> ArrayBatch:
    """Give some rows of a batch, in the order asked for."""
    return {name: column[rows] for name, column in batch.items()}


def to_encode(rows: pa.RecordBatch, encoder: RowEncoder) -> dict[str, Any]:
    """Make the batch that an encoder reads of Arrow columns, without an object a value."""
    columns = {name: rows.column(name) for name in encoder.raw_columns}
    numbers = {name: _numbers(columns.pop(name)) for name in encoder.numeric}
    words = {name: _places(columns.pop(name)) for name in encoder.vocabularies}
    return {**numbers, **words, **{name: _lists(column) for name, column in columns.items()}}


def to_batch(table: pa.Table, schema: FeatureSchema) -> ArrayBatch:
    """Make a batch of an Arrow table; its code columns come along where it has them."""
    codes = (name for name in (LATENTS, LATENT_VALUES) if name in table.column_names)
    return {name: to_column(table[name], name, schema) for name in (*schema.numeric, *schema.categorical, *codes)}


def to_column(column: pa.ChunkedArray, name: str, schema: FeatureSchema) -> NDArray[Any]:
    """Make one column of a batch."""
    return _numbers(column) if name in schema.numeric else _objects(column)


def to_labelled_rows(table: pa.Table, schema: FeatureSchema) -> LabelledRows:
    """Make labelled rows of an Arrow table with ``label`` and ``user_id``."""
    users = table["user_id"].combine_chunks().dictionary_encode().indices
    return LabelledRows(
        batch=to_batch(table, schema),
        label=table["label"].to_numpy().astype(np.int64),
        user=np.asarray(users, dtype=np.int64),
    )


def _places(column: pa.Array) -> Words:
    coded = column.dictionary_encode()
    words = [*coded.dictionary.to_pylist(), None]
    return Words(coded.indices.fill_null(len(words) - 1).to_numpy(), words)


def _lists(column: pa.Array) -> Lists:
    return Lists(column.value_lengths().fill_null(0).to_numpy(), column.flatten().to_numpy())


def _numbers(column: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.cast(pa.float64()), dtype=np.float64)


def _objects(column: pa.ChunkedArray) -> NDArray[Any]:
    if pa.types.is_string(column.type):
        return _words(column)
    values = np.empty(len(column), dtype=object)
    values[:] = list(column.to_numpy()) if len(column) else []
    return values


def _words(column: pa.ChunkedArray) -> NDArray[Any]:
    """Give strings, of equal ones the same object."""
    coded = _places(column.combine_chunks())
    words: NDArray[Any] = np.array(coded.words, dtype=object)
    return np.asarray(words[coded.places])
