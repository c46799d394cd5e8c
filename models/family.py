"""What every family of click models offers: settings that can be fitted, fitted models that can be served."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from models.serving.encoder import RowEncoder
from models.serving.types import Floats

Labels: TypeAlias = NDArray[np.int64]

NO_SENTINEL = math.nan

CHECKED = ConfigDict(extra="forbid", strict=True)
"""How settings are checked when they are made: no unknown name, no text for a number."""
AtLeastOne = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Leaves = Annotated[int, Field(ge=2)]
Share = Annotated[float, Field(gt=0, le=1)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class UnfitSettings(ValueError):
    """Settings do not fit the rows; the message says why."""


class UnknownColumn(UnfitSettings):
    """Settings name a column that the rows do not have; the message says which."""


@dataclass(frozen=True)
class EncodedParts:
    """Encoded rows to fit on, the encoder that made them, and later rows to stop by, if there are any."""

    encoder: RowEncoder
    rows: Floats
    """Shape (n_train, n_columns)."""
    label: Labels
    """Shape (n_train,)."""
    validation_rows: Floats | None = None
    """Shape (n_validation, n_columns): later in time; for early stopping only."""
    validation_label: Labels | None = None
    """Shape (n_validation,)."""
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What a family made of these rows and keeps for its next fit on them; empty before the first."""


class FittedModel(Protocol):
    """A fitted model of any family, before calibration."""

    @property
    def serving_format(self) -> str:
        """Name of the format that `to_serving` gives, one of ``models.serving.engines.MODEL_FILES``."""
        ...

    def predict(self, rows: Floats) -> Floats:
        """Give click probabilities of encoded rows, computed by the library that fitted the model."""
        ...

    def columns_read(self) -> list[int]:
        """Give the positions of the encoded columns that a probability can hang on, ascending."""
        ...

    def to_serving(self, columns: Sequence[int] | None = None) -> bytes:
        """Give the model in its serving format, for rows that hold these columns alone; by default all of them."""
        ...

    def to_others(self) -> dict[str, bytes]:
        """Give the model in the formats that others would serve it in, for comparison: name -> content."""
        ...


class Settings(Protocol):
    """Settings of one family."""

    family: ClassVar[str]
    missing: ClassVar[float]
    """What stands for null in encoded numeric columns."""

    def fit(self, parts: EncodedParts, *, seed: int, n_threads: int) -> FittedModel:
        """Fit a model; the same parts, seed and number of threads give the same model."""
        ...

    def settled(self, model: FittedModel) -> Settings:
        """Give the settings that fit the same without validation rows: with what validation decided written in."""
        ...
