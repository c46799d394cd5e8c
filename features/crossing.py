"""Feature rows of an audience crossed with the campaigns to come."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, StructField, StructType

from features.catalogue import features_of, keys_of
from features.feature import Feature, Key
from features.requests import REQUEST_KEY, with_send_at
from features.rows import evaluated, with_histories
from features.send_context import LOCAL_HOUR, LOCAL_WEEKDAY, with_local_send_time
from features.time_rules import TimeRules

PACKED_USER, PACKED_OFFER = "packed_user", "packed_offer"

READY, OF_OFFER = "ready_", "offer_"
"""First words of columns while rows are joined: of features, and of what offers have and users too."""

SEND_TIME = ("send_at", LOCAL_HOUR, LOCAL_WEEKDAY, "local_hour", "timezone")
"""What settles the time of a send, and what is settled then."""

Pack: TypeAlias = Callable[[pa.RecordBatch], pa.Array]
"""Makes one value a row of a batch's columns, of type binary."""


@dataclass(frozen=True)
class Crossed:
    """Feature rows of users and campaigns."""

    rows: DataFrame
    """``features.requests.REQUEST_KEY``, what else people had, and the features by name: but for what is packed."""
    packed: Mapping[str, Sequence[str]]
    """Column of type binary -> the columns that were packed into it."""


def scoring_rows(
    people: DataFrame,
    campaigns: DataFrame,
    histories: Mapping[Key, DataFrame],
    fitted_priors: DataFrame,
    tables: Collection[str],
    *,
    rules: TimeRules,
    wanted: Collection[str] | None = None,
    pack: Pack | None = None,
) -> Crossed:
    """Build the rows of ``features.rows.feature_rows`` for every user and every campaign to come.

    The same joins and expressions in another order, so that crossed rows are few columns wide and never shuffled.
    What hangs on the user alone is evaluated once a user. An offer is a campaign to the users of one time zone and
    platform: it settles the time of the send, and what hangs on the offer alone is evaluated once for all of them.
    The rest is evaluated for each pair, where the user's rows are.

    Parameters
    ----------
    people : DataFrame
        ``user_id, device_id, as_of``, unique, and whatever else is to be kept, where it is wanted.
    campaigns : DataFrame
        See ``features.requests.planned_sends``; few rows.
    histories, fitted_priors, tables
        As in ``features.rows.feature_rows``.
    rules : TimeRules
        See ``features.requests.with_send_at``.
    wanted : collection of str, optional
        Names of the features to build, and of what else of ``people`` to keep; all by default.
    pack : callable, optional
        Makes one value of all that hangs on the user alone, what else people had among it, before users are crossed;
        and of what hangs on the offer alone. A column costs each pair tens of nanoseconds, and this most of them.
    """
    features = [one for one in features_of(tables) if wanted is None or one.name in wanted]
    keys, campaign = keys_of(tables), ("campaign_id",)
    of_pair = [key for key in keys if "user_id" in key and len(key) > 1]
    of_offer = [key for key in keys if "campaign_id" in key and key != campaign and key not in of_pair]
    of_user = [key for key in keys if key not in (campaign, *of_offer, *of_pair)]
    midnight = F.broadcast(fitted_priors)
    users = with_histories(people, histories, of_user).join(midnight, "as_of", how="left")
    sends = with_histories(campaigns.crossJoin(midnight), histories, [campaign])
    shared = sorted({"timezone", *(name for key in of_offer for name in key)} & {*users.columns})
    offers = sends.join(F.broadcast(users.select("as_of", *shared).distinct()), "as_of")
    offers = with_local_send_time(with_send_at(offers, rules))
    offers = with_histories(offers, {key: F.broadcast(histories[key]) for key in of_offer}, of_offer)

    of_pairs = {name for key in of_pair for name in histories[key].columns}
    ready_users = _ready(features, users, {*offers.columns, *of_pairs, *SEND_TIME})
    others = [feature for feature in features if feature not in ready_users]
    ready_offers = _ready(others, offers, {*users.columns, *of_pairs})
    of_both = [feature for feature in others if feature not in ready_offers]
    names = {*REQUEST_KEY, *(name for key in of_pair for name in key)}
    needed = names | _words(of_both)
    extra = [name for name in people.columns if name not in REQUEST_KEY and (wanted is None or name in wanted)]
    users = _narrowed(users, {*needed, *shared, *extra}, ready_users)
    offers = _narrowed(offers, needed - {*users.columns} | {"as_of", *shared}, ready_offers)
    packed: dict[str, list[str]] = {}
    if pack:
        if of_user_alone := [*extra, *(one.name for one in ready_users)]:
            packed[PACKED_USER], users = of_user_alone, _packed(users, of_user_alone, PACKED_USER, pack)
        if of_offer_alone := [one.name for one in ready_offers]:
            packed[PACKED_OFFER], offers = of_offer_alone, _packed(offers, of_offer_alone, PACKED_OFFER, pack)

    n_partitions = int(people.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    offers = offers.withColumnsRenamed({name: OF_OFFER + name for name in ("as_of", *shared)})
    same = [F.col(name).eqNullSafe(F.col(OF_OFFER + name)) for name in ("as_of", *shared)]
    crossed = users.repartition(n_partitions, "user_id").join(F.broadcast(offers), same)
    ready_crossed = _ready(of_both, crossed, of_pairs)
    late = [feature for feature in of_both if feature not in ready_crossed]
    crossed = _narrowed(crossed, names | _words(late) | {*extra, *packed}, ready_crossed)  # joins by pair copy rows
    pairs = with_histories(crossed, {key: histories[key].hint("shuffle_hash") for key in of_pair}, of_pair)
    gone = {name for names in packed.values() for name in names}
    columns = [
        evaluated(one) if one in late else F.col(READY + one.name).alias(one.name)
        for one in features
        if one.name not in gone
    ]
    return Crossed(pairs.select(*REQUEST_KEY, *(name for name in extra if name not in gone), *packed, *columns), packed)


def _words(features: Iterable[Feature]) -> set[str]:
    """Give all words of the features' expressions, among them the columns that they need."""
    return {word for feature in features for word in re.findall(r"\w+", feature.expression)}


def _ready(features: Iterable[Feature], rows: DataFrame, elsewhere: Collection[str]) -> list[Feature]:
    """Give the features that need no column that is elsewhere only."""
    missing = {*elsewhere} - {*rows.columns}
    return [feature for feature in features if not _words([feature]) & missing]


def _narrowed(rows: DataFrame, needed: Collection[str], ready: Iterable[Feature]) -> DataFrame:
    columns = [name for name in rows.columns if name in needed or name.startswith(READY)]
    return rows.select(*columns, *(evaluated(feature).alias(READY + feature.name) for feature in ready))


def _packed(rows: DataFrame, names: Sequence[str], into: str, pack: Pack) -> DataFrame:
    """Replace columns by one; features among them go by their own names, and are still under their first word."""
    held = {name: READY + name if READY + name in rows.columns else name for name in names}
    others = [name for name in rows.columns if name not in held.values()]

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns = pa.RecordBatch.from_arrays([batch.column(name) for name in held.values()], [*held])
            yield pa.RecordBatch.from_arrays([*(batch.column(name) for name in others), pack(columns)], [*others, into])

    return rows.mapInArrow(run, StructType([*(rows.schema[name] for name in others), StructField(into, BinaryType())]))
