"""Feature rows of an audience crossed with the campaigns to come."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.catalogue import features_of, keys_of
from features.feature import Feature, Key
from features.requests import REQUEST_KEY, with_send_at
from features.rows import evaluated, with_histories
from features.time_rules import TimeRules

READY = "ready_"
"""First word of a feature's column until the row is complete."""

SEND_TIME = ("send_at", "local_hour", "timezone")
"""What settles the time of a send; it is not settled before users and campaigns are crossed."""


def scoring_rows(
    people: DataFrame,
    campaigns: DataFrame,
    histories: Mapping[Key, DataFrame],
    fitted_priors: DataFrame,
    tables: Collection[str],
    *,
    rules: TimeRules,
) -> DataFrame:
    """Build the rows of ``features.rows.feature_rows`` for every user and every campaign to come.

    The same joins and expressions in another order, so that crossed rows are few columns wide and never shuffled: users
    and campaigns meet their histories, and what needs no more is evaluated, before they are crossed; pairs are joined
    where the user's rows are, and the user's own columns, most of all, after them.

    Parameters
    ----------
    people : DataFrame
        ``user_id, device_id, as_of``, unique, and whatever else is to be kept.
    campaigns : DataFrame
        See ``features.requests.planned_sends``; few rows.
    histories, fitted_priors, tables
        As in ``features.rows.feature_rows``.
    rules : TimeRules
        See ``features.requests.with_send_at``.

    Returns
    -------
    DataFrame
        ``features.requests.REQUEST_KEY``, what else ``people`` had, and the columns of the features.
    """
    keys, campaign = keys_of(tables), ("campaign_id",)
    of_pair = [key for key in keys if len(key) > 1]
    of_user = [key for key in keys if key != campaign and key not in of_pair]
    midnight = F.broadcast(fitted_priors)
    users = with_histories(people, histories, of_user).join(midnight, "as_of", how="left")
    sends = with_histories(campaigns.crossJoin(midnight), histories, [campaign])

    features = features_of(tables)
    of_pairs = {name for key in of_pair for name in histories[key].columns}
    ready_users = _ready(features, users, {*sends.columns, *of_pairs})
    others = [feature for feature in features if feature not in ready_users]
    ready_sends = _ready(others, sends, {*users.columns, *of_pairs})
    late = [feature for feature in others if feature not in ready_sends]
    crossing = {*REQUEST_KEY, *SEND_TIME, *(name for key in of_pair for name in key)}
    needed = crossing | _words(late)
    users = _narrowed(users, {*needed, *people.columns}, ready_users)
    sends = _narrowed(sends, needed - {*users.columns} | {"as_of"}, ready_sends)

    n_partitions = int(people.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    of_crossing = users.select(*(name for name in users.columns if name in crossing))
    whose = [F.col(name).alias(f"of_{name}") for name in ("user_id", "device_id", "as_of")]
    the_rest = users.select(*whose, *(name for name in users.columns if name not in crossing))
    same = "user_id = of_user_id AND as_of = of_as_of AND device_id <=> of_device_id"
    crossed = of_crossing.repartition(n_partitions, "user_id").join(F.broadcast(sends), "as_of")
    joins = {key: histories[key].hint("shuffle_hash" if "user_id" in key else "broadcast") for key in of_pair}
    pairs = with_histories(with_send_at(crossed, rules), joins, of_pair)
    rows = pairs.join(the_rest, F.expr(same))
    kept = [*REQUEST_KEY, *(name for name in people.columns if name not in REQUEST_KEY)]
    return rows.select(*kept, *(evaluated(one) if one in late else _taken(one) for one in features))


def _words(features: Iterable[Feature]) -> set[str]:
    """Give all words of the features' expressions, among them the columns that they need."""
    return {word for feature in features for word in re.findall(r"\w+", feature.expression)}


def _ready(features: Iterable[Feature], rows: DataFrame, elsewhere: Collection[str]) -> list[Feature]:
    """Give the features that need neither a column that is elsewhere only nor the time of the send."""
    missing = {*elsewhere} - {*rows.columns} | {*SEND_TIME}
    return [feature for feature in features if not _words([feature]) & missing]


def _narrowed(rows: DataFrame, needed: Collection[str], ready: Iterable[Feature]) -> DataFrame:
    columns = [name for name in rows.columns if name in needed]
    return rows.select(*columns, *(evaluated(feature).alias(READY + feature.name) for feature in ready))


def _taken(feature: Feature) -> Column:
    return F.col(READY + feature.name).alias(feature.name)
