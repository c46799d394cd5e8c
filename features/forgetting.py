"""Users who must be forgotten: which rows are theirs, and sums without them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import History, Key
from features.rows import ASKED, read_histories

THEIRS = "is_theirs"
SINCE = "since"
"""Day on which the first of their rows became known: what was summed as of a later midnight holds it."""

JSON_SCALAR = r'"(?:[^"\\]|\\.)*"|[^\s",:{}\[\]]+'


def with_theirs(rows: DataFrame, ids: DataFrame) -> DataFrame:
    """Add ``is_theirs``: whether the row's id is among ``ids``, a frame of one column."""
    (name,) = ids.columns
    theirs = ids.dropna().distinct().withColumn(THEIRS, F.lit(True))
    return _marked(rows, rows.join(theirs, name, how="left"))


def history_without(history: History, users: DataFrame) -> History:
    """Leave out the rows of ``users`` wherever rows say whose they are, of a history in which no days are folded."""
    tables = {field.name: getattr(history, field.name) for field in fields(history)}
    frames = {name: table for name, table in tables.items() if isinstance(table, DataFrame)}
    of_users = {name: table for name, table in frames.items() if "user_id" in table.columns}
    left: dict[str, Any] = {name: of.join(users, "user_id", how="left_anti") for name, of in of_users.items()}
    return replace(history, **left, shared_pushes=None, parted={})


def with_named(rows: DataFrame, text: str, ids: DataFrame) -> DataFrame:
    """Add ``is_theirs``: whether one of ``ids`` stands in a JSON text, as a whole value at any depth.

    It does not matter in which field: a field may have any name, so a number or word that happens to equal an id counts
    too.
    """
    (name,) = ids.columns
    # A string as JSON has it, escapes included, and a number as it is.
    quoted = F.to_json(F.array(name))
    written = F.explode(F.array(name, F.substring(quoted, F.lit(2), F.length(quoted) - 2)))
    wanted = ids.dropna().select(written.alias("_value")).distinct()
    value = F.explode(F.regexp_extract_all(text, F.lit(JSON_SCALAR), F.lit(0))).alias("_value")
    return with_theirs(rows, rows.select(text, value).join(wanted, "_value", how="left_semi").select(text))


def only_theirs(rows: DataFrame, name: str, users: DataFrame) -> DataFrame:
    """Give the ids that occur in rows of ``users`` and of nobody else: one column, unique."""
    marked = with_theirs(rows.select(name, "user_id").dropna(), users)
    return marked.groupBy(name).agg(F.min(THEIRS).alias(THEIRS)).where(THEIRS).select(name)


def touched_since(rows: DataFrame, key: Sequence[str], users: DataFrame) -> DataFrame:
    """Give the keys that rows of ``users`` went into, with ``since``; one row in all for an empty key."""
    theirs = rows.join(users, "user_id", how="left_semi")
    if key:
        theirs = theirs.dropna(subset=list(key))
    return theirs.groupBy(*key).agg(F.min("ds").alias(SINCE)).where(F.col(SINCE).isNotNull())


def with_summed(sums: DataFrame, key: Sequence[str], touched: DataFrame) -> DataFrame:
    """Add ``is_theirs``: whether rows of theirs went into a row with ``key`` and ``as_of``, see ``touched_since``."""
    if not key:
        joined = sums.crossJoin(F.broadcast(touched.select(F.min(SINCE).alias(SINCE))))
    else:
        joined = sums.join(touched, list(key), how="left")
    return _marked(sums, joined.withColumn(THEIRS, F.col("as_of") > F.col(SINCE)))


def read_again(known: DataFrame, key: Key, others: History, tables: Collection[str]) -> DataFrame:
    """Read the history of a key again for the keys, midnights and ``ds`` that it has; keys without a past have no row.

    Parameters
    ----------
    known : DataFrame
        Rows of the history.
    key : Key
        Its key.
    others : History
        See ``history_without``.
    tables : collection of str
        Optional contract tables that the log has.
    """
    keys = known.select(*key, "as_of", F.col("ds").alias(ASKED))
    return read_histories({key: keys}, others, tables)[key].withColumnRenamed(ASKED, "ds")


def _marked(rows: DataFrame, joined: DataFrame) -> DataFrame:
    return joined.select(*rows.columns, F.coalesce(THEIRS, F.lit(False)).alias(THEIRS))
