"""From raw feature rows to the numbers a model reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np

from .errors import RowError
from .types import Batch, Floats, Lists, RawRow, Words

NULL_CODE = 0
"""Integer code of a null category."""

UNSEEN_CODE = 1
"""Integer code of a category that the vocabulary lacks: unseen, or too rare in training to be learned."""

FIRST_KNOWN_CODE = 2
"""Integer code of the first word of a vocabulary; the others follow."""

LATENTS, LATENT_VALUES = "latents", "latent_values"


@dataclass(frozen=True)
class RowEncoder:
    """Encode raw feature rows as float64: numeric columns, then categorical codes, then latents.

    One row and a batch give the same numbers.
    """

    numeric: tuple[str, ...]
    """Numeric columns, as they are; a null becomes `missing`."""
    vocabularies: Mapping[str, tuple[str, ...]]
    """Categorical column -> its known words, in the order of their integer codes."""
    n_latents: int = 0
    """Width of the user code; 0 for a model that reads none, and then `latents` need not be there."""
    missing: float = math.nan
    """What stands for null in numeric columns."""

    def __reduce__(self) -> tuple[Any, ...]:
        fields = self.numeric, self.vocabularies, self.n_latents, self.missing
        return RowEncoder, fields  # without what is cached, which depends on past use

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the encoded columns, in order."""
        latents = (f"latent_{index}" for index in range(self.n_latents))
        return (*self.numeric, *self.vocabularies, *latents)

    @property
    def categorical_positions(self) -> list[int]:
        """Positions of the integer codes among the encoded columns."""
        return list(range(len(self.numeric), self._first_latent))

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """Names of the raw columns that a row must have."""
        return (*self.numeric, *self.vocabularies, *((LATENTS, LATENT_VALUES) if self.n_latents else ()))

    @cached_property
    def _codes(self) -> list[tuple[str, _Codes]]:
        return [
            (name, _Codes({None: NULL_CODE} | {word: code for code, word in enumerate(words, FIRST_KNOWN_CODE)}))
            for name, words in self.vocabularies.items()
        ]

    @cached_property
    def _values(self) -> Callable[[RawRow], tuple[Any, ...]]:
        """Give what a row holds in `raw_columns`; in C, which saves a tenth of a row's time."""
        get = itemgetter(*self.raw_columns)
        return get if len(self.raw_columns) > 1 else lambda row: (get(row),)

    @cached_property
    def _first_latent(self) -> int:
        return len(self.numeric) + len(self.vocabularies)

    def encode(self, batch: Batch) -> Floats:
        """Encode a batch.

        Parameters
        ----------
        batch : Batch
            Raw feature rows by column.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
            Latents that a row's code does not name are 0, as are all latents of a row without a code.

        Raises
        ------
        RowError
            When a column is missing, or a code does not fit the width.
        """
        n_rows = len(self._column(batch, self.raw_columns[0]))
        encoded = np.zeros((n_rows, self._first_latent + self.n_latents))
        for position, name in enumerate(self.numeric):
            encoded[:, position] = np.asarray(self._column(batch, name), dtype=np.float64)
        self._fill_missing(encoded[:, : len(self.numeric)])
        for position, (name, codes) in enumerate(self._codes, len(self.numeric)):
            encoded[:, position] = codes.of(self._column(batch, name))
        if self.n_latents:
            read = self._column(batch, LATENTS), self._column(batch, LATENT_VALUES)
            lists = read if isinstance(read[0], Lists) else _as_lists(*read)
            self._scatter(encoded[:, self._first_latent :], *lists)
        return encoded

    def encode_one(self, row: RawRow) -> Floats:
        """Encode one raw feature row; gives shape (n_columns,) and the numbers that `encode` gives.

        Raises
        ------
        RowError
            When a column is missing, or a code does not fit the width.
        """
        try:
            values = self._values(row)
        except KeyError as error:
            raise RowError(f"the row has no column {error}") from None
        encoded, numbers = np.zeros(self._first_latent + self.n_latents), len(self.numeric)
        encoded[:numbers] = np.fromiter(values[:numbers], np.float64, numbers)  # faster than assigning a tuple
        self._fill_missing(encoded[:numbers])
        for position, (_, codes) in enumerate(self._codes, numbers):
            encoded[position] = codes[values[position]]
        if self.n_latents:
            self._scatter_one(encoded, *values[-2:])
        return encoded

    def to_json(self) -> dict[str, Any]:
        """Give the encoder as JSON values."""
        return {
            "numeric": list(self.numeric),
            "categorical": [{"name": name, "words": list(words)} for name, words in self.vocabularies.items()],
            "n_latents": self.n_latents,
            "missing": None if math.isnan(self.missing) else self.missing,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RowEncoder:
        """Read what `to_json` gave."""
        return cls(
            numeric=tuple(value["numeric"]),
            vocabularies={entry["name"]: tuple(entry["words"]) for entry in value["categorical"]},
            n_latents=value["n_latents"],
            missing=math.nan if value["missing"] is None else value["missing"],
        )

    def _column(self, batch: Batch, name: str) -> Any:
        try:
            return batch[name]
        except KeyError:
            raise RowError(f"the batch has no column {name!r}") from None

    def _fill_missing(self, numbers: Floats) -> None:
        if not math.isnan(self.missing):
            numbers[np.isnan(numbers)] = self.missing

    def _scatter(self, target: Floats, latents: Lists, values: Lists) -> None:
        columns = latents.values.astype(np.int64)
        fits = not len(columns) or (columns.min() >= 0 and columns.max() < self.n_latents)
        if not fits or not np.array_equal(latents.lengths, values.lengths):
            raise RowError(f"latents must be 0 to {self.n_latents - 1}, with one value each")
        rows = np.repeat(np.arange(len(target)), latents.lengths)
        target[rows, columns] = values.values

    def _scatter_one(self, encoded: Floats, latents: Sequence[int] | None, values: Sequence[float]) -> None:
        if latents is None:
            return
        if len(latents) != len(values):
            raise RowError(f"{len(latents)} latents with {len(values)} values")
        if len(latents) and not 0 <= min(latents) <= max(latents) < self.n_latents:
            raise RowError(f"latents must be 0 to {self.n_latents - 1}, got {list(latents)}")
        first = self._first_latent
        for latent, value in zip(latents, values, strict=True):
            encoded[first + latent] = value


class _Codes(dict[Any, int]):
    """Integer codes of one column's words."""

    def of(self, column: Any) -> Any:
        """Give the codes of a column, of shape (n_rows,)."""
        if isinstance(column, Words):
            return np.array([self[word] for word in column.words], dtype=np.float64)[column.places]
        return [self[word] for word in column]

    def __missing__(self, value: Any) -> int:
        return NULL_CODE if value != value else UNSEEN_CODE  # NaN is pandas' null in a column of strings


def _as_lists(*columns: Sequence[Any]) -> list[Lists]:
    """Lay out sequences one after the other; rows of which the first column has None are empty in all."""
    found = []
    for column in columns:
        rows = [() if first is None else row for first, row in zip(columns[0], column, strict=True)]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        found.append(Lists(lengths, np.concatenate(rows) if rows else np.zeros(0)))
    return found
