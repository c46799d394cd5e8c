"""Users crossed with their offers, in encoded parts: what each settles is encoded once, and pairs tell which row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.places import GROUP, PLACE
from features.scoring_parts import Parts
from features.spans import laid_out
from models.batch import to_encode
from models.serving.encoder import RowEncoder
from models.serving.errors import RowError
from models.serving.types import Floats

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
class EncodedPart:
    """Some encoded columns of all pairs; many pairs may share a row."""

    columns: Sequence[int]
    """Positions among the encoder's columns."""
    values: Floats
    """Shape (n_rows, n_columns)."""


@dataclass(frozen=True)
class Pairs:
    """Users with each of their offers."""

    users: Rows
    """Row of each pair's user in the batch, shape (n_pairs,)."""
    offers: Rows
    """Row of its offer in the table of offers."""
    rows: Sequence[Rows]
    """Its row in each part."""


class PairParts:
    """Encodes batches of users in parts, and crosses them with their offers.

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
        of_pasts = {name for names in offers.of_past.values() for name in names}
        table = offers.table
        self._of_user = _Columns(encoder, offers.of_user)
        self._of_offer = _Columns(encoder, [name for name in offers.of_offer if name not in of_pasts]).part(table)
        self._of_moment = {name: _Columns(encoder, names) for name, names in offers.of_moment.items()}
        self._of_past = {name: _Columns(encoder, names) for name, names in offers.of_past.items()}
        self._without_past = {name: columns.part(table).values for name, columns in self._of_past.items()}
        self._places = {name: table.column(name).to_numpy() for name in {*offers.of_moment, *offers.of_past}}
        groups = table.column(GROUP).to_numpy()
        starts = np.flatnonzero(np.diff(groups, prepend=-1, append=-1)).tolist()
        self._of_group = {int(groups[first]): slice(first, end) for first, end in pairwise(starts)}

    def of_batch(self, batch: pa.RecordBatch) -> BatchParts:
        """Encode a batch of ``Parts.users``."""
        lists: list[tuple[Rows, _Moments | _Pasts]] = []
        for name, columns in self._of_moment.items():
            lists.append((self._places[name], _Moments(columns, batch)))
        for name, columns in self._of_past.items():
            lists.append((self._places[name], _Pasts(columns, batch.column(name), self._without_past[name])))
        parts = [self._of_user.part(batch), self._of_offer, *(one.part for _, one in lists)]
        return BatchParts(parts, batch.column(GROUP).to_numpy(), self._of_group, lists)


@dataclass(frozen=True)
class BatchParts:
    """A batch of users, encoded."""

    parts: Sequence[EncodedPart]
    """Of the users, of the offers, and then of what hangs on both."""
    groups: Rows
    of_group: Mapping[int, slice]
    lists: Sequence[tuple[Rows, _Moments | _Pasts]]
    """Place of each offer, and what users have for the places."""

    def pairs(self, at_once: int) -> Iterator[Pairs]:
        """Cross users with their offers, about so many pairs at a time."""
        for group, offers in self.of_group.items():
            members, numbers = np.flatnonzero(self.groups == group), np.arange(offers.start, offers.stop)
            n_users = max(at_once // len(numbers), 1)
            for users in (members[start : start + n_users] for start in range(0, len(members), n_users)):
                crossed = np.repeat(users, len(numbers)), np.tile(numbers, len(users))
                of_lists = (lists.rows(users, numbers, places[offers]).ravel() for places, lists in self.lists)
                yield Pairs(*crossed, [*crossed, *of_lists])


class _Columns:
    """The encoded columns that are made of some raw ones."""

    def __init__(self, encoder: RowEncoder, names: Sequence[str]) -> None:
        self.names, self.at = names, encoder.positions_of(names)
        self._encoder = encoder.only(self.at) if self.at else None

    def part(self, batch: pa.RecordBatch) -> EncodedPart:
        """Encode the raw columns."""
        own = self._encoder
        values = np.empty((batch.num_rows, 0)) if own is None else own.encode(to_encode(batch, own))
        return EncodedPart(self.at, values)


class _Moments:
    """Lists with a value for each slot."""

    def __init__(self, columns: _Columns, batch: pa.RecordBatch) -> None:
        flat = pa.RecordBatch.from_arrays([batch.column(name).flatten() for name in columns.names], [*columns.names])
        self._n_places = flat.num_rows // max(batch.num_rows, 1)
        self.part = columns.part(flat)

    def rows(self, users: Rows, _offers: Rows, places: Rows) -> Rows:
        """Give rows of shape (n_users, n_offers)."""
        first: Rows = users[:, np.newaxis] * self._n_places
        return first + places


class _Pasts:
    """Lists of structs for some places; for the others, what offers have without a past."""

    def __init__(self, columns: _Columns, lists: pa.ListArray, without: Floats) -> None:
        entries = pa.RecordBatch.from_struct_array(lists.flatten())
        self._lengths = lists.value_lengths().fill_null(0).to_numpy()
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._places = entries.column(PLACE).to_numpy()
        self.part = EncodedPart(columns.at, np.concatenate([columns.part(entries).values, without]))

    def rows(self, users: Rows, offers: Rows, places: Rows) -> Rows:
        """Give rows of shape (n_users, n_offers)."""
        user_of, entries = laid_out(self._starts[users], self._lengths[users])
        of_place = np.full((len(users), 1 + max(places.max(initial=-1), self._places.max(initial=-1))), -1)
        of_place[user_of, self._places[entries]] = entries
        found: Rows = of_place[:, places]
        np.copyto(found, len(self._places) + offers, where=found < 0)
        return found
