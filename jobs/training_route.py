"""What a way to train candidates has to offer."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from jobs.cli import say
from jobs.errors import BadInput
from jobs.lake import Lake
from models.candidates import CandidateSpec, Trainer
from models.feature_health import Profile
from models.schema import FeatureSchema

TRAIN, VALIDATION = "train", "validation"
KEYS = ["send_id", "user_id", "label"]


@dataclass(frozen=True)
class Asked:
    """What every route has to know."""

    spark: SparkSession
    lake: Lake
    args: argparse.Namespace
    schema: FeatureSchema
    n_latents: int


@dataclass(frozen=True)
class Route:
    """Rows at hand, and how candidates are fitted on them."""

    trainer: Callable[[CandidateSpec], Trainer]
    """Gives the trainer of a candidate."""
    keys: pa.Table
    """``send_id``, ``user_id`` and ``label`` of the validation rows, in the order of ``send_id``."""
    to_probe: Mapping[str, NDArray[Any]]
    """Validation rows to draw from."""
    profiles: list[Profile]
    """What the features look like in both parts."""
    families: Sequence[str] | None = None
    """Families that can be fitted; None for all."""
    at_once: int = 1
    """Candidates to fit at the same time."""

    def possible(self, specs: Sequence[CandidateSpec]) -> list[CandidateSpec]:
        """Leave out candidates that cannot be fitted, and say so.

        Raises
        ------
        BadInput
            When none is left.
        """
        found = [spec for spec in specs if self.families is None or spec.settings.family in self.families]
        for spec in specs:
            if spec not in found:
                say(f"{spec.name}: left out, {spec.settings.family} needs all rows in memory")
        if not found:
            raise BadInput(f"expected a candidate of {' or '.join(self.families or ())}, which need no rows in memory")
        return found
