"""The feature schema as it arrives from the features: names, types and kinds, under one hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

NUMERIC, CATEGORICAL = "numeric", "categorical"
SCHEMA_FILE = "schema.json"
"""Where a bundle keeps its schema."""


@dataclass(frozen=True)
class Feature:
    """One feature column."""

    name: str
    """Name of the column."""
    type: str
    """Type as Spark SQL writes it."""
    kind: str
    """``numeric`` (a nullable number) or ``categorical`` (a nullable string)."""

    def __post_init__(self) -> None:
        if self.kind not in (NUMERIC, CATEGORICAL):
            raise ValueError(f"feature {self.name!r}: expected kind numeric or categorical, got {self.kind!r}")


@dataclass(frozen=True)
class FeatureSchema:
    """All feature columns, in order."""

    hash: str
    """The features' own hash; the same hash means the same columns."""
    features: tuple[Feature, ...]
    """Columns in order."""

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numeric columns, in order."""
        return tuple(feature.name for feature in self.features if feature.kind == NUMERIC)

    @property
    def categorical(self) -> tuple[str, ...]:
        """Names of the categorical columns, in order."""
        return tuple(feature.name for feature in self.features if feature.kind == CATEGORICAL)

    def to_json(self) -> dict[str, Any]:
        """Give the schema as JSON values."""
        return {"hash": self.hash, "features": [asdict(feature) for feature in self.features]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FeatureSchema:
        """Read what `to_json` gave.

        Raises
        ------
        ValueError
            When a kind is not known.
        """
        features = (Feature(entry["name"], entry["type"], entry["kind"]) for entry in value["features"])
        return cls(hash=value["hash"], features=tuple(features))
