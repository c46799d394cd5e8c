"""Places tell offers apart by what features hang on besides the user, like the hour of the send, or the category."""

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

PLACE, PLACE_OF = "place", "place_of_"

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

    def literals(self) -> dict[str, Column]:
        """Give a column for each value, named by its place."""
        return {
            f"{self.column}_{one.name}_{place}": F.lit(value).cast(one.dataType)
            for place, values in enumerate(self.values)
            for one, value in zip(self.fields, values, strict=True)
        }

    def each(self, feature: Feature) -> Column:
        """Give the list of a feature's values at all places, on rows that have the `literals`."""
        names = "|".join(one.name for one in self.fields)
        at = (
            re.sub(rf"\b({names})\b", rf"{self.column}_\1_{place}", feature.expression)
            for place in range(len(self.values))
        )
        return F.array(*map(F.expr, at)).cast(f"array<{feature.type}>").alias(feature.name)

    def frame(self, like: DataFrame) -> DataFrame:
        """Give the values, with their places, as a frame of the session of another one."""
        rows = [(*values, place) for place, values in enumerate(self.values)]
        return like.sparkSession.createDataFrame(rows, StructType([*self.fields, StructField(PLACE, IntegerType())]))
