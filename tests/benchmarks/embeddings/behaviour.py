"""Behaviour of as many users as you like, shaped like the simulator's: a few interests each, many kinds of events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.behaviour import behaviour_rows

N_INTERESTS, N_KINDS, N_COMMON = 24, 16, 58
N_TOKENS = N_INTERESTS * N_KINDS + N_COMMON
COMMON_SHARE = 0.3
MEAN_EVENTS, MOST_EVENTS = 36, 200
FIRST_DAY, N_DAYS = date(2026, 1, 1), 31
AS_OF = date(2026, 2, 1)
WORDS = [f"event:{token:03}" for token in range(N_TOKENS)]
CELLS = "user_id string, token string, event_day date, ds date, count bigint"


def cells_of(spark: SparkSession, n_users: int) -> DataFrame:
    """Give cells as `features.behaviour.behaviour_cells` does; the same for a user however many there are."""
    return spark.range(n_users).mapInArrow(_cells, CELLS)


def behaviour_of(spark: SparkSession, n_users: int) -> DataFrame:
    """Give a row a user as of 1 February; ids are places in `WORDS`."""
    cells = cells_of(spark, n_users)
    keys = cells.select("user_id").distinct().withColumn("as_of", F.lit(AS_OF))
    return behaviour_rows(keys, cells, spark.createDataFrame(list(enumerate(WORDS)), "token_id int, token string"))


def _cells(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    words = np.array(WORDS)
    for batch in batches:
        ids = batch.column(0).to_numpy()
        for start in range(0, len(ids), 1000):  # few at once: memory here would be taken for the encoder's
            user, token, day = _events(ids[start : start + 1000])
            days = pa.array(np.datetime64(FIRST_DAY) + day)
            columns = [
                pa.array(np.char.mod("u%07d", user)),
                pa.array(words[token]),
                days,
                days,
                pa.array(np.ones(len(user), np.int64)),
            ]
            yield pa.RecordBatch.from_arrays(columns, ["user_id", "token", "event_day", "ds", "count"])


def _events(ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Give user, token and day of each event."""
    n_events = np.minimum(1 - MEAN_EVENTS * np.log1p(-_uniform(ids, 0)), MOST_EVENTS).astype(np.int64)
    user = np.repeat(ids, n_events)
    event = np.arange(len(user)) - np.repeat(np.cumsum(n_events) - n_events, n_events)

    def draw(name: int) -> NDArray[np.float64]:
        return _uniform(user * MOST_EVENTS + event, name)

    n_interests = 1 + (4 * _uniform(user, 1)).astype(np.int64)
    which = (n_interests * draw(2) ** 1.5).astype(np.int64)  # the first interest is the strongest
    interest = (N_INTERESTS * _uniform(user * 4 + which, 3)).astype(np.int64)
    own = interest * N_KINDS + (N_KINDS * draw(4) ** 1.5).astype(np.int64)
    common = N_INTERESTS * N_KINDS + (N_COMMON * draw(5) ** 2).astype(np.int64)
    token = np.where(draw(6) < COMMON_SHARE, common, own)
    return user, token, (N_DAYS * draw(7)).astype(np.int64)


def _uniform(keys: NDArray[np.int64], name: int) -> NDArray[np.float64]:
    """Give a number of [0, 1) for each key and name: SplitMix64, Steele, Lea and Flood 2014."""
    mixed = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64((name + 1) * 0xD1B54A32D192ED03 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) / 2.0**53
