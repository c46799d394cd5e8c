"""Scoring of Arrow batches in Python workers, which import this module by name: what it keeps outlives a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession

from features.crossing import Crossed, Pack
from jobs.errors import BadInput
from models.batch import from_packed, to_encode, to_packed
from models.serving.encoder import RowEncoder
from models.serving.errors import EngineError
from models.serving.manifest import read_verified
from models.serving.scorer import Scorer
from models.serving.types import Floats

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


def packing(spark: SparkSession, served: Served) -> Pack:
    """Give what packs columns of raw features, as a model encodes them, for `scored`."""
    sent = spark.sparkContext.broadcast(served)

    def pack(batch: pa.RecordBatch) -> pa.Array:
        encoder = scorer_of(sent.value).encoder
        own = encoder.only(encoder.positions_of(batch.schema.names))
        return to_packed(own.encode(to_encode(batch, own)))

    return pack


def scored(crossed: Crossed, served: Served) -> DataFrame:
    """Score raw feature rows, packed or not; gives the columns of ``SCORED_SCHEMA``."""
    rows, packed = crossed.rows, crossed.packed
    of_model = [name for name in rows.columns if name in {*packed, *served.raw_columns}]
    sent = rows.sparkSession.sparkContext.broadcast(served)
    narrow = rows.select(*SCORED_AS, *of_model)
    return narrow.mapInArrow(lambda batches: score_batches(sent, packed, batches), SCORED_SCHEMA)


def score_batches(
    served: Broadcast[Served], packed: Mapping[str, Sequence[str]], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Score batches of raw feature rows with ``SCORED_AS``, by the scorer that this process has or loads.

    ``packed`` is that of ``features.crossing.Crossed``.
    """
    scorer = scorer_of(served.value)
    encode = encoding_of(scorer.encoder, packed)
    for batch in batches:
        p_click = pa.array(scorer.score_encoded(encode(batch)), pa.float64())
        kept = (batch.column(name) for name in SCORED_AS)
        yield pa.RecordBatch.from_arrays([*kept, p_click], [*SCORED_AS, "p_click"])


def encoding_of(encoder: RowEncoder, packed: Mapping[str, Sequence[str]]) -> Callable[[pa.RecordBatch], Floats]:
    """Give what encodes batches of which some columns were packed by `packing`."""
    places = {column: encoder.positions_of(names) for column, names in packed.items()}
    others = sorted({*range(len(encoder.columns))} - {place for of in places.values() for place in of})
    late = encoder.only(others) if others else None

    def encode(batch: pa.RecordBatch) -> Floats:
        encoded = np.empty((batch.num_rows, len(encoder.columns)))
        for column, of in places.items():
            encoded[:, of] = from_packed(batch.column(column), len(of))
        if late is not None:
            encoded[:, others] = late.encode(to_encode(batch, late))
        return encoded

    return encode


@lru_cache(maxsize=1)
def scorer_of(served: Served) -> Scorer:
    """Load a scorer, once a process for as long as the model is the same."""
    return Scorer.from_contents(served.serving_format, served.contents, engine=served.engine)
