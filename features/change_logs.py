"""Change logs read as of a midnight, on both clocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import History, Reader


def change_reader(table: str, *, key: str, columns: Sequence[str]) -> Reader:
    """Give the function that reads the last known change of a log, a field of ``History``."""

    def read(keys: DataFrame, history: History) -> DataFrame:
        return latest_as_of(keys, history.table(table), key=key, columns=columns)

    return read


def latest_as_of(keys: DataFrame, log: DataFrame, *, key: str, columns: Sequence[str]) -> DataFrame:
    """Give each key's last change that is known as of its midnight.

    Parameters
    ----------
    keys : DataFrame
        The key, ``as_of`` (date) and whatever else is to be kept (no ``ds``), unique.
    log : DataFrame
        A change log with ``updated_at``, ``ingested_at`` and ``ds``, the day a row became known.
    key : str
        Name of the key column.
    columns : sequence of str
        What to take from the change.

    Returns
    -------
    DataFrame
        The columns of ``keys`` and those asked for. Of changes with equal times the greater values win, so the outcome
        does not depend on the order of rows. Keys without a known change have no row.
    """
    change = F.struct(F.col("updated_at").alias("_at"), F.col("ingested_at").alias("_known"), *columns).alias("_change")
    known = keys.join(log.select(key, "ds", change), key, how="inner").where(F.col("ds") < F.col("as_of"))
    last = known.groupBy(*keys.columns).agg(F.max("_change").alias("_change"))
    return last.select(*keys.columns, *(F.col(f"_change.{name}").alias(name) for name in columns))


def known_by_day(rows: Sequence[DataFrame], log: DataFrame, *, key: str, columns: Sequence[str]) -> DataFrame:
    """Give key, ``ds`` and columns of what occurs in rows with ``ds``: as known at the midnight that ends it."""
    active = reduce(DataFrame.union, (frame.select(key, "ds") for frame in rows)).distinct()
    keys = active.select(key, F.date_add("ds", 1).alias("as_of"))
    known = latest_as_of(keys, log, key=key, columns=columns)
    return known.select(key, F.date_sub("as_of", 1).alias("ds"), *columns)
