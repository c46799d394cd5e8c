"""Users who must be forgotten, as ingest meets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.contract import TABLES
from features.forgetting import THEIRS, with_theirs
from features.validation import REASON
from jobs.ingest_counts import FORGOTTEN, QUARANTINED
from jobs.intake import NEW, UNDATED, Scope
from jobs.lake import Lake

DELETIONS = "deletions"


@dataclass(frozen=True)
class Forgotten:
    """Ids whose rows ingest drops.

    Parameters
    ----------
    users : DataFrame
        ``user_id``, unique.
    sends : DataFrame
        ``send_id`` of their sends, as far as the source or the lake has them: clicks name no user.
    """

    users: DataFrame
    sends: DataFrame


def forgotten_of(
    lake: Lake, typed: Mapping[str, DataFrame], scope: Scope, sends_before: DataFrame | None
) -> Forgotten | None:
    """Find who must be forgotten by now: a request counts for all days, also for those before it came.

    Parameters
    ----------
    lake : Lake
        Its ``deletions`` count, of days that this run does not write again.
    typed : mapping of str to DataFrame
        See ``jobs.intake.typed_rows``.
    scope : Scope
        Days that are written.
    sends_before : DataFrame, optional
        Sends of earlier days.

    Returns
    -------
    Forgotten or None
        None when there is nobody to forget.
    """
    requests = []
    if DELETIONS in typed:
        requests.append(typed[DELETIONS].where(F.col(REASON).isNull() & (F.col("ds") <= F.lit(scope.last))))
    if lake.days(DELETIONS):
        requests.append(lake.read(DELETIONS).where(~F.col("ds").between(F.lit(scope.start), F.lit(scope.last))))
    if all(rows.isEmpty() for rows in requests):
        return None
    users = reduce(DataFrame.union, (rows.select("user_id") for rows in requests)).distinct()
    sends = [rows.select("user_id", "send_id") for rows in (typed["sends"], sends_before) if rows is not None]
    of_users = reduce(DataFrame.union, sends).join(F.broadcast(users), "user_id", how="left_semi")
    return Forgotten(users, of_users.select("send_id").distinct())


def with_forgotten(rows: DataFrame, table: str, forgotten: Forgotten | None) -> DataFrame:
    """Settle the ``status`` of rows of a contract table that are of users who must be forgotten."""
    names = TABLES[table].column_names
    if forgotten is None or table == DELETIONS or not {"user_id", "send_id"} & set(names):
        return rows
    marked = with_theirs(rows, forgotten.users if "user_id" in names else forgotten.sends)
    dropped = F.col(THEIRS) & F.col("status").isin(NEW, QUARANTINED, UNDATED)
    return marked.withColumn("status", F.when(dropped, F.lit(FORGOTTEN)).otherwise(F.col("status"))).drop(THEIRS)
