"""Scoring of Arrow batches in Python workers, which import this module by name: what it keeps outlives a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from features.offers import OFFER_KEY
from features.parts import Batches
from features.scoring_parts import USER_KEY, Parts
from jobs.errors import BadInput
from jobs.pair_parts import Offers
from jobs.pair_scorer import PairScorer
from models.quickscorer import QuickScorer
from models.serving.compact_engine import compared_as_they_are
from models.serving.compact_trees import decode
from models.serving.engines import MODEL_FILES
from models.serving.errors import EngineError
from models.serving.manifest import read_verified
from models.serving.scorer import Scorer
from models.serving.types import Floats

QUICKSCORER, COMPACT = "quickscorer", "compact"
SCORED = pa.schema(
    {
        "user_id": pa.string(),
        "device_id": pa.string(),
        "campaign_id": pa.string(),
        "send_at": pa.timestamp("us", tz="UTC"),
        "p_click": pa.float64(),
    }
)
"""``USER_KEY``, ``OFFER_KEY`` and the score."""


@dataclass(frozen=True)
class Served:
    """What workers need of a bundle; the same as another one when its version is."""

    version: str
    """Hash of what was learned."""
    serving_format: str = field(compare=False)
    contents: Mapping[str, bytes] = field(compare=False)
    """The serving files, whose hashes were found to be right."""
    engine: str | None = None
    """``QUICKSCORER``, or one of ``models.serving.engines.ENGINES`` of the format; the first by default."""

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """Names of the columns that the model reads."""
        return scorer_of(self).scorer.encoder.raw_columns


Work: TypeAlias = Callable[[Served, Offers, Batches], Batches]
"""What a worker makes of batches of ``Parts.users``."""


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
    """Score every user for its offers; gives the columns of ``SCORED``."""
    return over_users(parts, served, score_batches, from_arrow_schema(SCORED))


def over_users(parts: Parts, served: Served, work: Work, schema: StructType | str) -> DataFrame:
    """Let workers go through the users, with the model and the offers at hand."""
    sent = parts.users.session.sparkContext.broadcast((served, Offers.of(parts)))
    return parts.users.mapped(lambda batches: work(*sent.value, batches), schema)


def score_batches(served: Served, offers: Offers, batches: Batches) -> Batches:
    """Score batches of ``Parts.users`` for their offers, by the scorer that this process has or loads."""
    for batch, pairs, p_click in scorer_of(served).scores(offers, batches):
        columns = scored_columns(batch, pairs.users, offers.table, pairs.offers, p_click)
        yield pa.RecordBatch.from_arrays(columns, SCORED.names)


def scored_columns(
    users: pa.RecordBatch | pa.Table, of_user: NDArray[Any], offers: pa.RecordBatch, of_offer: NDArray[Any], p: Floats
) -> list[Any]:
    """Give the columns of ``SCORED``, of the rows of users and of offers that the scores are for."""
    of_users = (users.column(name).take(pa.array(of_user)) for name in USER_KEY)
    of_offers = (offers.column(name).take(pa.array(of_offer)) for name in OFFER_KEY)
    return [*of_users, *of_offers, pa.array(p)]


@lru_cache(maxsize=1)
def scorer_of(served: Served) -> PairScorer:
    """Load a scorer, once a process for as long as the model is the same."""
    engine = None if served.engine == QUICKSCORER else served.engine
    scorer = Scorer.from_contents(served.serving_format, served.contents, engine=engine)
    return PairScorer(scorer, _quickscorer(served))


def _quickscorer(served: Served) -> QuickScorer | None:
    if served.engine not in (None, QUICKSCORER):
        return None
    try:
        if served.serving_format != COMPACT:
            raise EngineError(f"{QUICKSCORER}: expected {COMPACT} trees, got a model in {served.serving_format}")
        return QuickScorer(compared_as_they_are(decode(served.contents[MODEL_FILES[COMPACT]])))
    except EngineError:
        if served.engine == QUICKSCORER:
            raise
        return None
