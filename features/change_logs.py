"""Change logs read as of a midnight, on both clocks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from features.feature import History, Reader
from features.known import Known
from features.owner_streams import Question, Told, over_owners

CLOCKS = ("updated_at", "ingested_at")


def change_reader(table: str, *, key: str, columns: Sequence[str]) -> Reader:
    """Give the function that asks for the last known change of a log, a field of ``History``."""

    def read(history: History) -> Told:
        return last_change(history.table(table), key=key, columns=columns)

    return read


def last_change(log: DataFrame, *, key: str, columns: Sequence[str]) -> tuple[DataFrame, Question]:
    """Ask for each key's last change that is known as of a midnight.

    Parameters
    ----------
    log : DataFrame
        A change log with ``updated_at``, ``ingested_at`` and ``ds``, the day a row became known.
    key : str
        Name of the key column.
    columns : sequence of str
        What to take from the change. Of changes with equal times the greater values win, so the outcome does not depend
        on the order of rows.
    """
    by_time = list(dict.fromkeys([*CLOCKS, *columns]))

    def answer(known: Known) -> dict[str, pa.Array]:
        oldest_first = [(name, "ascending", "at_start") for name in by_time]
        order = pc.sort_indices(known.rows, sort_keys=oldest_first).to_numpy()
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        last = pa.array(order).take(known.greatest(rank))
        return {name: known.rows.column(name).take(last).combine_chunks() for name in columns}

    types = dict(log.dtypes)
    changes = log.select(key, F.col("ds").alias("known"), *by_time)
    return changes, Question(answer, {name: types[name] for name in columns})


def latest_as_of(keys: DataFrame, log: DataFrame, *, key: str, columns: Sequence[str]) -> DataFrame:
    """Give each key's last change that is known as of its midnight.

    Parameters
    ----------
    keys : DataFrame
        The key, ``as_of`` (date) and whatever else is to be kept, unique.
    log, key, columns
        See ``last_change``.

    Returns
    -------
    DataFrame
        The columns of ``keys`` and those asked for. Keys without a known change have no row.
    """
    return over_owners(keys, [last_change(log, key=key, columns=columns)], owner=(key,))


def known_by_day(rows: Sequence[DataFrame], log: DataFrame, *, key: str, columns: Sequence[str]) -> DataFrame:
    """Give key, ``ds`` and columns of what occurs in rows with ``ds``: as known at the midnight that ends it."""
    active = reduce(DataFrame.union, (frame.select(key, "ds") for frame in rows)).distinct()
    return with_state_then(active, states(log, key=key, columns=columns), key=key, day="ds", how="inner")


def states(log: DataFrame, *, key: str, columns: Sequence[str]) -> DataFrame:
    """Give what each key was known to be from day to day; the same choice among changes as ``last_change``.

    Returns
    -------
    DataFrame
        The key, the columns, and the days at whose end that was known: from ``known_from`` until before
        ``known_until`` (null: to this day).
    """
    of_key = Window.partitionBy(key).orderBy("ds")  # its frame holds all rows of the day
    latest = F.max(F.struct(*dict.fromkeys([*CLOCKS, *columns]))).over(of_key).alias("_latest")
    by_day = log.select(key, "ds", latest).distinct()
    until = F.lead("ds").over(of_key).alias("known_until")
    return by_day.select(
        key, F.col("ds").alias("known_from"), until, *(F.col(f"_latest.{name}").alias(name) for name in columns)
    )


def with_state_then(
    rows: DataFrame, of_keys: DataFrame, *, key: str, day: str, parted_by: str | None = None, how: str = "left"
) -> DataFrame:
    """Add to rows what their key was known to be at the end of a day, of ``states``; null where that is nothing.

    Rows that are parted by a column stay so: it is the key, and where that is null whatever spreads them.
    """
    at, known_from, known_until = rows[day], of_keys["known_from"], of_keys["known_until"]
    then = (rows[key] == of_keys[key]) & (at >= known_from) & (known_until.isNull() | (at < known_until))
    if parted_by is not None:
        then &= rows[parted_by] == of_keys[key]
    return rows.join(of_keys, then, how=how).drop(of_keys[key], known_from, known_until)
