"""Encoded rows of users and offers, crossed in NumPy: what each settles is encoded once and copied to its pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.scoring_parts import GROUP, PLACE, Parts
from models.batch import to_encode
from models.serving.encoder import RowEncoder
from models.serving.errors import RowError
from models.serving.types import Floats

ROWS = 2048
"""About how many rows are crossed at a time: few enough for a cache."""

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Offers:
    """``features.scoring_parts.Parts`` without its users: what workers need of it."""

    table: pa.RecordBatch
    of_user: Sequence[str]
    of_offer: Sequence[str]
    of_moment: Mapping[str, Sequence[str]]
    of_past: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, parts: Parts) -> Offers:
        """Leave the users out."""
        table = pa.RecordBatch.from_struct_array(parts.offers.to_struct_array().combine_chunks())
        return cls(table, parts.of_user, parts.of_offer, parts.of_moment, parts.of_past)


@dataclass(frozen=True)
class Crossed:
    """Encoded rows of pairs."""

    users: Rows
    """Row of each pair's user in the batch."""
    offers: Rows
    """Row of its offer in the table of offers."""
    encoded: Floats
    """Shape (n_pairs, n_columns)."""


class PairRows:
    """Crosses batches of users with their offers.

    Parameters
    ----------
    encoder : RowEncoder
    offers : Offers

    Raises
    ------
    RowError
        When no part has a column that the encoder reads.
    """

    def __init__(self, encoder: RowEncoder, offers: Offers) -> None:
        told = {*offers.of_user, *offers.of_offer}.union(*offers.of_moment.values(), *offers.of_past.values())
        if missing := [name for name in encoder.raw_columns if name not in told]:
            raise RowError(f"users and offers have no column {missing[0]!r}")
        self._n_columns, table = len(encoder.columns), offers.table
        self._of_user, self._of_offer = _Columns(encoder, offers.of_user), _Columns(encoder, offers.of_offer)
        self._of_moment = {name: _Columns(encoder, names) for name, names in offers.of_moment.items()}
        self._of_past = {name: _Columns(encoder, names) for name, names in offers.of_past.items()}
        self._encoded_offers = self._of_offer.encoded(table)
        self._places = {name: table.column(name).to_numpy() for name in {*offers.of_moment, *offers.of_past}}
        groups = table.column(GROUP).to_numpy()
        starts = np.flatnonzero(np.diff(groups, prepend=-1, append=-1)).tolist()
        self._of_group = {int(groups[first]): slice(first, end) for first, end in pairwise(starts)}

    def crossed(self, batch: pa.RecordBatch) -> Iterator[Crossed]:
        """Cross users, about ``ROWS`` pairs at a time.

        Parameters
        ----------
        batch : RecordBatch
            Rows of ``Parts.users``.
        """
        own = np.zeros((batch.num_rows, self._n_columns))
        self._of_user.put(own, self._of_user.encoded(batch))
        moments = {name: _Moments(columns, batch) for name, columns in self._of_moment.items()}
        pasts = {name: _Pasts(columns, batch.column(name)) for name, columns in self._of_past.items()}
        groups = batch.column(GROUP).to_numpy()
        for group, offers in self._of_group.items():
            members, n_offers = np.flatnonzero(groups == group), offers.stop - offers.start
            at_once = max(ROWS // n_offers, 1)
            for users in (members[start : start + at_once] for start in range(0, len(members), at_once)):
                rows = np.repeat(own[users], n_offers, axis=0).reshape(len(users), n_offers, -1)
                self._of_offer.put(rows, self._encoded_offers[offers])
                for name, moment in moments.items():
                    moment.put(rows, users, self._places[name][offers])
                for name, past in pasts.items():
                    past.put(rows, users, self._places[name][offers])
                pairs = np.repeat(users, n_offers), np.tile(np.arange(offers.start, offers.stop), len(users))
                yield Crossed(*pairs, rows.reshape(len(users) * n_offers, -1))


class _Columns:
    """The encoded columns that are made of some raw ones."""

    def __init__(self, encoder: RowEncoder, names: Sequence[str]) -> None:
        self.names, self.at = names, encoder.positions_of(names)
        self._encoder = encoder.only(self.at) if self.at else None
        ends = [0, *(np.flatnonzero(np.diff(self.at) > 1) + 1).tolist(), len(self.at)]
        self._runs = [(self.at[first], slice(first, end)) for first, end in pairwise(ends) if end > first]

    def encoded(self, batch: pa.RecordBatch) -> Floats:
        """Encode the raw columns; gives shape (n_rows, n_columns)."""
        own = self._encoder
        return np.empty((batch.num_rows, 0)) if own is None else own.encode(to_encode(batch, own))

    def put(self, rows: Floats, values: Floats) -> None:
        """Put values where the columns are, run by run, which is faster than one by one."""
        self.put_at(rows, (...,), values)

    def put_at(self, rows: Floats, where: tuple[Any, ...], values: Floats) -> None:
        """Put values where the columns are, of some rows."""
        for at, run in self._runs:
            rows[(*where, slice(at, at + run.stop - run.start))] = values[..., run]


class _Moments:
    """Lists with a value for each place."""

    def __init__(self, columns: _Columns, batch: pa.RecordBatch) -> None:
        self._columns = columns
        flat = pa.RecordBatch.from_arrays([batch.column(name).flatten() for name in columns.names], [*columns.names])
        n_places = flat.num_rows // max(batch.num_rows, 1)
        self._encoded = columns.encoded(flat).reshape(batch.num_rows, n_places, len(columns.at))

    def put(self, rows: Floats, users: Rows, places: Rows) -> None:
        self._columns.put(rows, self._encoded[users[:, None], places])


class _Pasts:
    """Lists of structs for some places; for the others, rows stay what they are."""

    def __init__(self, columns: _Columns, lists: pa.ListArray) -> None:
        entries = pa.RecordBatch.from_struct_array(lists.flatten())
        self._lengths = lists.value_lengths().fill_null(0).to_numpy()
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._places = entries.column(PLACE).to_numpy()
        self._columns, self._encoded = columns, columns.encoded(entries)

    def put(self, rows: Floats, users: Rows, places: Rows) -> None:
        lengths = self._lengths[users]
        user_of = np.repeat(np.arange(len(users)), lengths)
        entries = np.arange(len(user_of)) + np.repeat(self._starts[users] - np.cumsum(lengths) + lengths, lengths)
        of_place = np.full((len(users), 1 + max(places.max(initial=-1), self._places.max(initial=-1))), -1)
        of_place[user_of, self._places[entries]] = entries
        found = of_place[:, places]
        pairs = np.nonzero(found >= 0)
        self._columns.put_at(rows, pairs, self._encoded[found[pairs]])
