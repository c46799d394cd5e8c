"""Duplicates by key: at-least-once delivery sends rows again, and the earliest known wins."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def with_duplicate(
    rows: DataFrame,
    *,
    key: Sequence[str],
    known_time: str,
    within_days: int,
    accepted_before: DataFrame | None = None,
) -> DataFrame:
    """Add ``is_duplicate``: whether a row with the same key was accepted up to ``within_days`` earlier.

    A duplicate keeps none away: that is the same whether days are looked at one by one or all at once.

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
    of_key = Window.partitionBy(*key)
    place = F.row_number().over(Window.partitionBy(*key, "ds").orderBy(known_time, F.xxhash64(*rows.columns)))
    days = F.array_sort(F.collect_set("ds").over(of_key))
    marked = rows.withColumns({"_place": place, "_days": days}).withColumn("_seen", F.lit(None).cast("date"))
    if accepted_before is not None:
        marked = _with_seen(marked.drop("_seen"), key, accepted_before)
    on_accepted_day = F.coalesce(F.array_contains(_accepted_days(within_days), F.col("ds")), F.lit(False))
    is_first = (F.col("_place") == 1) & on_accepted_day
    return marked.select(*rows.columns, (~is_first).alias("is_duplicate"))


def _with_seen(rows: DataFrame, key: Sequence[str], accepted: DataFrame) -> DataFrame:
    """Add ``_seen``, the last day on which a row with the key was accepted; null for none."""
    last = accepted.groupBy(*(F.col(name).alias(f"_{name}") for name in key)).agg(F.max("ds").alias("_seen"))
    same = [F.col(name).eqNullSafe(F.col(f"_{name}")) for name in key]
    return rows.join(last, same, how="left")


def _accepted_days(within_days: int) -> Column:
    """Of the sorted ``_days`` of a key, those far enough after the last accepted one; first ``_seen``, or null."""

    def with_day(accepted: Column, day: Column) -> Column:
        last = F.element_at(accepted, -1)
        is_far = last.isNull() | (F.datediff(day, last) > within_days)
        return F.when(is_far, F.concat(accepted, F.array(day))).otherwise(accepted)

    return F.aggregate("_days", F.array("_seen"), with_day)
