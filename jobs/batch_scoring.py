"""Scoring of Arrow batches in Python workers, which import this module by name: what it keeps outlives a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame

from models.batch import to_encode
from models.serving.manifest import read_verified
from models.serving.scorer import Scorer

SCORED_AS = ("user_id", "device_id", "campaign_id", "send_at")
SCORED_SCHEMA = "user_id string, device_id string, campaign_id string, send_at timestamp, p_click double"


@dataclass(frozen=True)
class Served:
    """What workers need of a bundle; the same as another one when its version is."""

    version: str
    """Hash of what was learned."""
    serving_format: str = field(compare=False)
    contents: Mapping[str, bytes] = field(compare=False)
    """The serving files, whose hashes were found to be right."""


def read_served(folder: Path, manifest: dict[str, Any]) -> Served:
    """Read the serving files of a bundle.

    Raises
    ------
    BundleError
        When one is missing; `HashMismatchError` when one is not what it should be.
    """
    contents = read_verified(folder, manifest, manifest["serving_files"])
    return Served(manifest["version"], manifest["serving_format"], contents)


def scored(rows: DataFrame, served: Served) -> DataFrame:
    """Score raw feature rows; gives the columns of ``SCORED_SCHEMA``."""
    sent = rows.sparkSession.sparkContext.broadcast(served)
    return rows.mapInArrow(lambda batches: score_batches(sent, batches), SCORED_SCHEMA)


def score_batches(served: Broadcast[Served], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Score batches of raw feature rows with ``SCORED_AS``, by the scorer that this process has or loads."""
    scorer = scorer_of(served.value)
    for batch in batches:
        p_click = pa.array(scorer.score(to_encode(batch, scorer.encoder)), pa.float64())
        kept = (batch.column(name) for name in SCORED_AS)
        yield pa.RecordBatch.from_arrays([*kept, p_click], [*SCORED_AS, "p_click"])


@lru_cache(maxsize=1)
def scorer_of(served: Served) -> Scorer:
    """Load a scorer, once a process for as long as the model is the same."""
    return Scorer.from_contents(served.serving_format, served.contents)
