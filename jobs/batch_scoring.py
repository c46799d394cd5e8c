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

from features.scoring_parts import OFFER_KEY, USER_KEY, Parts
from jobs.errors import BadInput
from jobs.pair_rows import Offers, PairRows
from models.serving.errors import EngineError
from models.serving.manifest import read_verified
from models.serving.scorer import Scorer

SCORED_AS = (*USER_KEY, *OFFER_KEY)
SCORED_SCHEMA = "user_id string, device_id string, campaign_id string, send_at timestamp, p_click double"


@dataclass(frozen=True)
class Served:
    """What workers need of a bundle; the same as another one when its version is."""

    version: str
    """Hash of what was learned."""
    serving_format: str = field(compare=False)
    contents: Mapping[str, bytes] = field(compare=False)
    """The serving files, whose hashes were found to be right."""
    engine: str | None = None
    """One of ``models.serving.engines.ENGINES`` of the format; its first by default."""

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """Names of the columns that the model reads."""
        return scorer_of(self).encoder.raw_columns


def read_served(folder: Path, manifest: dict[str, Any], engine: str | None = None) -> Served:
    """Read the serving files of a bundle, and load them once.

    Raises
    ------
    BundleError
        When one is missing; `HashMismatchError` when one is not what it should be.
    BadInput
        When the engine does not run the format, or is not installed.
    """
    contents = read_verified(folder, manifest, manifest["serving_files"])
    served = Served(manifest["version"], manifest["serving_format"], contents, engine)
    try:
        scorer_of(served)
    except EngineError as error:
        raise BadInput(str(error)) from None
    return served


def scored(parts: Parts, served: Served) -> DataFrame:
    """Score every user for its offers; gives the columns of ``SCORED_SCHEMA``."""
    sent = parts.users.sparkSession.sparkContext.broadcast((served, Offers.of(parts)))
    return parts.users.mapInArrow(lambda batches: score_batches(sent, batches), SCORED_SCHEMA)


def score_batches(
    sent: Broadcast[tuple[Served, Offers]], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Score batches of ``Parts.users`` for their offers, by the scorer that this process has or loads."""
    served, offers = sent.value
    scorer = scorer_of(served)
    pairs = PairRows(scorer.encoder, offers)
    for batch in batches:
        for crossed in pairs.crossed(batch):
            of_users = (batch.column(name).take(pa.array(crossed.users)) for name in USER_KEY)
            of_offers = (offers.table.column(name).take(pa.array(crossed.offers)) for name in OFFER_KEY)
            p_click = pa.array(scorer.score_encoded(crossed.encoded), pa.float64())
            yield pa.RecordBatch.from_arrays([*of_users, *of_offers, p_click], [*SCORED_AS, "p_click"])


@lru_cache(maxsize=1)
def scorer_of(served: Served) -> Scorer:
    """Load a scorer, once a process for as long as the model is the same."""
    return Scorer.from_contents(served.serving_format, served.contents, engine=served.engine)
