"""A part of a training set as Parquet files that are read a row group, or a column, at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.batch import ArrayBatch, to_batch, to_column
from models.schema import FeatureSchema
from models.serving.encoder import LATENT_VALUES, LATENTS


class StoredPart:
    """Rows of Parquet files, in the order of the files; see `models.out_of_core.StoredRows`.

    Parameters
    ----------
    files : sequence of Path
        Files with small row groups.
    schema : FeatureSchema
        Which columns are what.
    """

    def __init__(self, files: Sequence[Path], schema: FeatureSchema) -> None:
        self.schema = schema
        self._files = [pq.ParquetFile(file) for file in files]
        self._groups = [(file, number) for file in self._files for number in range(file.metadata.num_row_groups)]

    def __len__(self) -> int:
        return int(self.sizes.sum())

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Shape (n_blocks,): rows of each row group."""
        return np.array([file.metadata.row_group(number).num_rows for file, number in self._groups], dtype=np.int64)

    @cached_property
    def label(self) -> NDArray[np.int64]:
        """Shape (n_rows,): 1 where the send was clicked."""
        return np.asarray(self.table(["label"])["label"], dtype=np.int64)

    @cached_property
    def user(self) -> NDArray[np.int64]:
        """Shape (n_rows,): a number for each user, as `models.batch.to_labelled_rows` gives it."""
        users = self.table(["user_id"])["user_id"].combine_chunks().dictionary_encode().indices
        return np.asarray(users, dtype=np.int64)

    @cached_property
    def batch(self) -> StoredColumns:
        """Columns, each read when it is asked for."""
        return StoredColumns(self)

    @cached_property
    def columns(self) -> list[str]:
        """Names of the columns of a batch."""
        codes = [name for name in (LATENTS, LATENT_VALUES) if name in self._files[0].schema_arrow.names]
        return [*self.schema.numeric, *self.schema.categorical, *codes]

    def block(self, number: int) -> ArrayBatch:
        """Read one row group."""
        file, group = self._groups[number]
        return to_batch(file.read_row_group(group, columns=self.columns, use_threads=False), self.schema)

    def table(self, names: Sequence[str]) -> pa.Table:
        """Read whole columns."""
        return pa.concat_tables(file.read(columns=list(names), use_threads=False) for file in self._files)


class StoredColumns(Mapping[str, NDArray[Any]]):
    """Columns of stored rows as arrays."""

    def __init__(self, rows: StoredPart) -> None:
        self._rows = rows

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._rows.columns:
            raise KeyError(name)
        return to_column(self._rows.table([name])[name], name, self._rows.schema)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows.columns)

    def __len__(self) -> int:
        return len(self._rows.columns)
