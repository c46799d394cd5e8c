"""Duplicates by key: at-least-once delivery sends rows again, and the earliest known wins."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def with_duplicate(
    rows: DataFrame,
    *,
    key: Sequence[str],
    known_time: str,
    within_days: int,
    accepted_before: DataFrame | None = None,
) -> DataFrame:
    """Add ``is_duplicate``: whether a row with the same key was known up to ``within_days`` earlier.

    Parameters
    ----------
    rows : DataFrame
        New rows with their ``ds``, the day they became known.
    key : sequence of str
        Columns that name a row; null equals null.
    known_time : str
        The clock that orders equal keys; ties are settled by the whole row's hash, so the outcome depends on the rows
        only.
    within_days : int
        How far apart, in days of ``ds``, two rows may be and still be the same one.
    accepted_before : DataFrame, optional
        Rows of earlier days, with the key and ``ds``.
    """
    names = rows.columns
    first_to_last = Window.partitionBy(*key).orderBy("ds", known_time, F.xxhash64(*names))
    marked = rows.withColumn("_place", F.row_number().over(first_to_last)).withColumn(
        "_first_ds", F.first("ds").over(first_to_last)
    )
    again = (F.col("_place") > 1) & (F.datediff("ds", "_first_ds") <= within_days)
    if accepted_before is None:
        return marked.withColumn("is_duplicate", again).drop("_place", "_first_ds")
    latest = accepted_before.groupBy(*(F.col(name).alias(f"_{name}") for name in key)).agg(F.max("ds").alias("_seen"))
    same = [F.col(name).eqNullSafe(F.col(f"_{name}")) for name in key]
    seen = F.col("_seen").isNotNull() & (F.datediff("ds", "_seen") <= within_days)
    return marked.join(latest, same, how="left").withColumn("is_duplicate", again | seen).select(*names, "is_duplicate")
