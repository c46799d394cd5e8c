"""What tells offers apart for features that hang on the user too, like the hour of the send, or the category.

Values that offers have are numbered: all of them, by places; or those that users like this one get, by slots.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from features.cut_features import Names
from features.feature import Feature
from features.local_frame import local_frame

PLACE, PLACE_OF, SLOT_OF = "place", "place_of_", "slot_of_"

GROUP = "offer_group"
"""Number of the offers that a user may get: those to its time zone and platform."""

OF_USER, OF_PERSON = "group_of_user", "group_of_person"
"""Numbers of what tells a group: of what is known of the user, the time zone; and of the person's device."""

OFFER = "offer_"
"""First word of what offers have and users may have too, where the two meet."""


@dataclass(frozen=True)
class Places:
    """Values that offers have in some columns, each with a place."""

    fields: list[StructField]
    values: list[tuple[Any, ...]]
    of_offers: pa.Array
    """Place of each offer's values."""

    @classmethod
    def of(cls, told: pa.Table, names: Names, schema: StructType) -> Places:
        """Give a place to each value of some columns; offers have them as ``OFFER`` and their name, of these types."""
        rows = [*zip(*(told[OFFER + name].to_pylist() for name in names), strict=True)]
        place_of = {value: place for place, value in enumerate(dict.fromkeys(rows))}
        places = pa.array([place_of[row] for row in rows], pa.int32())
        return cls([schema[name] for name in names], [*place_of], places)

    @property
    def column(self) -> str:
        """Name of the column of places."""
        return PLACE_OF + "_".join(one.name for one in self.fields)

    def frame(self, like: DataFrame) -> DataFrame:
        """Give the values, with their places, as a frame of the session of another one."""
        rows = [(*values, place) for place, values in enumerate(self.values)]
        return local_frame(like.sparkSession, rows, StructType([*self.fields, StructField(PLACE, IntegerType())]))


@dataclass(frozen=True)
class Slots:
    """Values that the offers to users alike have in some columns, each with a slot: they are fewer than there are."""

    fields: list[StructField]
    values: dict[int, list[tuple[Any, ...]]]
    """By ``OF_USER``, in the order of the slots."""
    of_offers: pa.Array
    """Slot of each offer's values."""

    @classmethod
    def of(cls, told: pa.Table, names: Names, schema: StructType) -> Slots:
        """Give slots to the values of each ``OF_USER``; see ``Places.of``."""
        rows = [*zip(told[OF_USER].to_pylist(), *(told[OFFER + name].to_pylist() for name in names), strict=True)]
        values: dict[int, list[tuple[Any, ...]]] = {}
        for group, *value in dict.fromkeys(rows):
            values.setdefault(group, []).append(tuple(value))
        slot_of = {(group, *value): slot for group, ones in values.items() for slot, value in enumerate(ones)}
        return cls([schema[name] for name in names], values, pa.array([slot_of[row] for row in rows], pa.int32()))

    @property
    def column(self) -> str:
        """Name of the column of slots."""
        return SLOT_OF + "_".join(one.name for one in self.fields)

    @property
    def _n_slots(self) -> int:
        return max(map(len, self.values.values()), default=0)

    def frame(self, like: DataFrame) -> DataFrame:
        """Give ``OF_USER`` and a column for each value, named by its slot; null in slots that it has not."""
        none = (None,) * len(self.fields)
        rows = [
            (group, *(one for value in [*ones, *[none] * (self._n_slots - len(ones))] for one in value))
            for group, ones in self.values.items()
        ]
        named = [
            StructField(f"{self.column}_{one.name}_{slot}", one.dataType)
            for slot in range(self._n_slots) for one in self.fields
        ]  # fmt: skip
        return local_frame(like.sparkSession, rows, StructType([StructField(OF_USER, IntegerType()), *named]))

    def each(self, feature: Feature) -> Column:
        """Give the list of a feature's values in all slots, on rows that have the columns of `frame`."""
        names = "|".join(one.name for one in self.fields)
        at = (
            re.sub(rf"\b({names})\b", rf"{self.column}_\1_{slot}", feature.expression) for slot in range(self._n_slots)
        )
        return F.array(*map(F.expr, at)).cast(f"array<{feature.type}>").alias(feature.name)
