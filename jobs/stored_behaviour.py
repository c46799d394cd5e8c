"""Behaviour rows in Parquet files, read some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 4096


@dataclass(frozen=True)
class StoredBehaviour:
    """Rows of ``jobs.behaviour_sample.sample_rows`` in the order of the files."""

    files: Sequence[Path]

    def __len__(self) -> int:
        return sum(pq.read_metadata(file).num_rows for file in self.files)

    def read(self) -> pa.Table:
        """Read all rows."""
        return pa.concat_tables(pq.read_table(file, use_threads=False) for file in self.files)

    def blocks(self, n_rows: int, *, first: int = 0) -> Iterator[pa.Table]:
        """Read so many rows at a time, from row ``first`` on; the last block may be shorter.

        What is read depends neither on the files' number nor on their row groups.
        """
        waiting: list[pa.RecordBatch] = []
        room = n_rows
        for batch in self._batches(first):
            rest = batch
            while len(rest):
                waiting.append(rest.slice(0, room))
                room -= len(waiting[-1])
                rest = rest.slice(len(waiting[-1]))
                if room == 0:
                    yield pa.Table.from_batches(waiting)
                    waiting, room = [], n_rows
        if waiting:
            yield pa.Table.from_batches(waiting)

    def _batches(self, skipped: int) -> Iterator[pa.RecordBatch]:
        for path in self.files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
                    yield batch.slice(min(skipped, len(batch)))
                    skipped -= min(skipped, len(batch))
