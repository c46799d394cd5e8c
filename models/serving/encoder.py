"""From raw feature rows to the numbers a model reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import getitem, itemgetter
from typing import Any

import numpy as np

from .errors import RowError
from .latents import LatentColumns
from .types import Batch, Floats, RawRow, Words

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
    latents_left_out: tuple[int, ...] = ()
    """Latents that have no column, ascending: a code may name them, and nothing hangs on it."""

    def __reduce__(self) -> tuple[Any, ...]:
        fields = self.numeric, self.vocabularies, self.n_latents, self.missing, self.latents_left_out
        return RowEncoder, fields  # without what is cached, which depends on past use

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the encoded columns, in order."""
        latents = (f"latent_{index}" for index in self._kept)
        return (*self.numeric, *self.vocabularies, *latents)

    @property
    def categorical_positions(self) -> list[int]:
        """Positions of the integer codes among the encoded columns."""
        return list(range(len(self.numeric), self._first_latent))

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """Names of the raw columns that a row must have."""
        return (*self.numeric, *self.vocabularies, *((LATENTS, LATENT_VALUES) if self.n_latents else ()))

    def positions_of(self, raw_columns: Collection[str]) -> list[int]:
        """Give the positions of the encoded columns that are made of these raw columns, ascending."""
        raw = (*self.numeric, *self.vocabularies, *(LATENTS for _ in self._kept))
        return [position for position, name in enumerate(raw) if name in raw_columns]

    def only(self, positions: Sequence[int]) -> RowEncoder:
        """Give the encoder of some of the columns, by their positions, ascending; at least one."""
        numbers, first = len(self.numeric), self._first_latent
        words = tuple(self.vocabularies.items())
        latents = {self._kept[at - first] for at in positions if at >= first}
        return replace(
            self,
            numeric=tuple(self.numeric[at] for at in positions if at < numbers),
            vocabularies=dict(words[at - numbers] for at in positions if numbers <= at < first),
            n_latents=self.n_latents if latents else 0,
            latents_left_out=tuple(sorted(set(range(self.n_latents)) - latents)) if latents else (),
        )

    @cached_property
    def _kept(self) -> list[int]:
        return [latent for latent in range(self.n_latents) if latent not in self.latents_left_out]

    @cached_property
    def _latents(self) -> LatentColumns:
        return LatentColumns(self.n_latents, self._kept, self._first_latent)

    @cached_property
    def _codes(self) -> list[tuple[str, _Codes]]:
        return [
            (name, _Codes({None: NULL_CODE} | {word: code for code, word in enumerate(words, FIRST_KNOWN_CODE)}))
            for name, words in self.vocabularies.items()
        ]

    @cached_property
    def _tables(self) -> list[_Codes]:
        return [codes for _, codes in self._codes]

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
        encoded = np.zeros((n_rows, self._first_latent + len(self._kept)))
        for position, name in enumerate(self.numeric):
            encoded[:, position] = np.asarray(self._column(batch, name), dtype=np.float64)
        self._fill_missing(encoded[:, : len(self.numeric)])
        for position, (name, codes) in enumerate(self._codes, len(self.numeric)):
            encoded[:, position] = codes.of(self._column(batch, name))
        if self.n_latents:
            self._latents.fill(encoded, self._column(batch, LATENTS), self._column(batch, LATENT_VALUES))
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
        numbers, first = len(self.numeric), self._first_latent
        codes = map(getitem, self._tables, values[numbers:first])
        encoded = np.zeros(first + len(self._kept))
        encoded[:first] = np.fromiter((*values[:numbers], *codes), np.float64, first)  # faster than one by one
        self._fill_missing(encoded[:numbers])
        if self.n_latents:
            self._latents.fill_one(encoded, *values[first:])
        return encoded

    def to_json(self) -> dict[str, Any]:
        """Give the encoder as JSON values."""
        return {
            "numeric": list(self.numeric),
            "categorical": [{"name": name, "words": list(words)} for name, words in self.vocabularies.items()],
            "n_latents": self.n_latents,
            "missing": None if math.isnan(self.missing) else self.missing,
            **({"latents_left_out": list(self.latents_left_out)} if self.latents_left_out else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RowEncoder:
        """Read what `to_json` gave."""
        return cls(
            numeric=tuple(value["numeric"]),
            vocabularies={entry["name"]: tuple(entry["words"]) for entry in value["categorical"]},
            n_latents=value["n_latents"],
            missing=math.nan if value["missing"] is None else value["missing"],
            latents_left_out=tuple(value.get("latents_left_out", ())),
        )

    def _column(self, batch: Batch, name: str) -> Any:
        try:
            return batch[name]
        except KeyError:
            raise RowError(f"the batch has no column {name!r}") from None

    def _fill_missing(self, numbers: Floats) -> None:
        if not math.isnan(self.missing):
            np.copyto(numbers, self.missing, where=np.isnan(numbers))


class _Codes(dict[Any, int]):
    """Integer codes of one column's words."""

    def of(self, column: Any) -> Any:
        """Give the codes of a column, of shape (n_rows,)."""
        if isinstance(column, Words):
            return np.array([self[word] for word in column.words], dtype=np.float64)[column.places]
        return [self[word] for word in column]

    def __missing__(self, value: Any) -> int:
        return NULL_CODE if value != value else UNSEEN_CODE  # NaN is pandas' null in a column of strings
