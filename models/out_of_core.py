"""Fitting on more rows than memory holds: they are read block by block, and only their bins stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import lightgbm
import numpy as np
from numpy.typing import NDArray

from models.batch import ArrayBatch
from models.bins import Bins, make_bins
from models.boosted_trees import BoostedTreesSettings
from models.candidates import CandidateSpec, encoder_for
from models.family import FittedModel, Labels
from models.histogram_forest import HistogramForestSettings
from models.sampling import sampled_rows
from models.schema import FeatureSchema
from models.serving.encoder import RowEncoder
from models.serving.types import Floats

FAMILIES = (BoostedTreesSettings, HistogramForestSettings)
"""Settings whose models are fitted on bins."""


class StoredRows(Protocol):
    """Labelled rows that lie on disk in a fixed order, in blocks that memory can hold."""

    @property
    def batch(self) -> Mapping[str, NDArray[Any]]:
        """Columns as in an `ArrayBatch`, each read when it is asked for."""
        ...

    @property
    def label(self) -> Labels:
        """Shape (n_rows,): 1 where the send was clicked."""
        ...

    @property
    def user(self) -> NDArray[np.int64]:
        """Shape (n_rows,): a number for each user."""
        ...

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Shape (n_blocks,): rows of each block."""
        ...

    def block(self, number: int) -> ArrayBatch:
        """Read one block."""
        ...


class EncodedBlock(lightgbm.Sequence):
    """Some rows of one block, encoded when LightGBM asks for them.

    Parameters
    ----------
    reader : BlockReader
        What reads and encodes the block.
    number : int
        Which block.
    chosen : ndarray of shape (n_chosen,)
        Positions of the rows in the block, ascending.
    """

    def __init__(self, reader: BlockReader, number: int, chosen: NDArray[np.intp]) -> None:
        self._reader, self._number, self._chosen = reader, number, chosen
        self.batch_size = max(len(chosen), 1)

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: Any) -> Floats:
        # A copy, because LightGBM keeps single rows: views would keep every block in memory.
        return np.array(self._reader.encoded(self._number)[self._chosen[index]])


class BlockReader:
    """Reads and encodes blocks, and keeps the last one: LightGBM asks for many rows of a block in turn."""

    def __init__(self, rows: StoredRows, encoder: RowEncoder) -> None:
        self._rows, self._encoder = rows, encoder
        self._kept: tuple[int, Floats] | None = None

    def encoded(self, number: int) -> Floats:
        """Give all rows of a block, shape (n_rows, n_columns)."""
        if self._kept is None or self._kept[0] != number:
            self._kept = None  # before the next is read
            self._kept = number, self._encoder.encode(self._rows.block(number))
        return self._kept[1]


@dataclass(frozen=True)
class OutOfCore:
    """A trainer of boosted trees and histogram forests; they are those that `InMemory` gives, to the byte."""

    train: StoredRows
    validation: StoredRows
    schema: FeatureSchema
    n_latents: int
    seed: int
    n_threads: int

    @cached_property
    def click_rate(self) -> float:
        """Share of the training rows that were clicked."""
        return float(self.train.label.mean())

    def try_out(self, spec: CandidateSpec) -> tuple[FittedModel, Floats]:
        """Fit on the training part."""
        encoder = encoder_for(spec, self.train.batch, self.schema, self.n_latents)
        rows, label = self._sampled([self.train], encoder, spec)
        later = self._sampled([self.validation], encoder, spec)
        model = self._fit(spec, make_bins(encoder, rows, label, *later, seed=self.seed))
        blocks = _blocks(self.validation)
        return model, np.concatenate([model.predict(encoder.encode(block)) for block in blocks])

    def fit_on_both(self, spec: CandidateSpec) -> tuple[RowEncoder, FittedModel]:
        """Fit on both parts."""
        both = [self.train, self.validation]
        encoder = encoder_for(spec, JoinedColumns([part.batch for part in both]), self.schema, self.n_latents)
        return encoder, self._fit(spec, make_bins(encoder, *self._sampled(both, encoder, spec), seed=self.seed))

    def _fit(self, spec: CandidateSpec, bins: Bins) -> FittedModel:
        assert isinstance(spec.settings, FAMILIES)  # others were refused before
        return spec.settings.fit_bins(bins, seed=self.seed, n_threads=self.n_threads)

    def _sampled(
        self, parts: list[StoredRows], encoder: RowEncoder, spec: CandidateSpec
    ) -> tuple[list[EncodedBlock], Labels]:
        """Give the rows of consecutive parts that a candidate is fitted on, with their labels."""
        label = np.concatenate([part.label for part in parts])
        chosen = sampled_rows(label, spec.negatives_kept, seed=self.seed)
        readers = [(BlockReader(part, encoder), len(part.sizes)) for part in parts]
        blocks = [(reader, number) for reader, n_blocks in readers for number in range(n_blocks)]
        ends = np.cumsum(np.concatenate([part.sizes for part in parts]))
        of_block = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
        starts = np.concatenate([[0], ends[:-1]])
        found = [
            EncodedBlock(reader, number, places - start)
            for (reader, number), places, start in zip(blocks, of_block, starts, strict=True)
        ]
        return found, label[chosen]


class JoinedColumns(Mapping[str, NDArray[Any]]):
    """Columns of consecutive parts as one, each joined when it is asked for."""

    def __init__(self, parts: list[Mapping[str, NDArray[Any]]]) -> None:
        self._parts = parts

    def __getitem__(self, name: str) -> NDArray[Any]:
        return np.concatenate([part[name] for part in self._parts])

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts[0])

    def __len__(self) -> int:
        return len(self._parts[0])


def _blocks(rows: StoredRows) -> Iterator[ArrayBatch]:
    return (rows.block(number) for number in range(len(rows.sizes)))
