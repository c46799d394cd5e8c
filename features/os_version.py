"""How new the system of a device is, among the versions of its platform that pushes went to."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import functions as F

from features.feature import Block, Feature, History
from features.known import Known
from features.owner_streams import Question, Told


def _part(number: int) -> str:
    """Give a number of a version like ``17.4``; null where there is none."""
    return f"nullif(regexp_extract(os_version, '([0-9]{{1,9}})(?:[.]([0-9]{{1,9}}))?', {number}), '')"


VERSION_NUMBER = f"cast({_part(1)} as double) + coalesce(cast({_part(2)} as double), 0) / 1000"
"""SQL for a version as a number; null for one without a number."""


def _read(history: History) -> Told:
    """Give a row for each version and each version of its platform that is not older, from when both were seen."""
    seen = F.min(F.greatest("ds", "event_day")).alias("known")
    versions = (
        history.pushes_by("platform", "os_version").where("sends > 0").groupBy("platform", "os_version").agg(seen)
    )
    numbered = versions.withColumn("number", F.expr(VERSION_NUMBER)).dropna()
    others = numbered.groupBy(F.col("platform").alias("of"), F.col("number").alias("other")).agg(
        F.min("known").alias("other_known")
    )
    pairs = numbered.join(F.broadcast(others), (F.col("platform") == F.col("of")) & (F.col("other") >= F.col("number")))
    rows = pairs.select("platform", "os_version", F.greatest("known", "other_known").alias("known"))
    return rows, Question(_newer, {"os_versions_newer": "bigint"})


def _newer(known: Known) -> dict[str, pa.Array]:
    return {"os_versions_newer": pa.array(known.lengths - 1)}


BLOCK = Block(
    name="os_version_rank",
    key=("platform", "os_version"),
    table="devices",
    read=_read,
    features=(
        Feature(
            "os_version_rank", "os_versions_newer", "bigint",
            "versions of the platform that are newer than the device's, of those that pushes went to",
            "0 for the newest", "all time", "no push went to such a version yet, or it has no number",
        ),
    ),
)  # fmt: skip
