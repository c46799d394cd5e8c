"""Feature rows of an audience and the campaigns to come, in the parts that a crossing puts together.

An offer is a campaign to the users of one time zone and platform: it settles the time of the send, and all that hangs
on the campaign.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import features_of, keys_of
from features.crossing import Night
from features.cut_features import Cut, Names, besides_user, cut_features
from features.feature import USER, Feature
from features.places import GROUP, OFFER, PLACE, Places, Slots
from features.requests import REQUEST_KEY, with_send_at
from features.rows import evaluated, with_histories
from features.send_context import with_local_send_time

USER_KEY, OFFER_KEY = ("user_id", "device_id"), ("campaign_id", "send_at")

PARTITION_PAIRS = 100_000
"""Pairs that are worth a partition: one that is put together of several, later, holds memory for the joins of each."""


@dataclass(frozen=True)
class Parts:
    """Users and offers with the features that each settles, and those that hang on both.

    Columns of slots and of places tell offers apart by what such features hang on, like the hour of the send, or the
    category.
    """

    users: DataFrame
    """``user_id, device_id``, ``GROUP``, ``of_user``, and the lists of ``of_moment`` and ``of_past``."""
    offers: pa.Table
    """``GROUP`` and ``OFFER_KEY``, by which they are sorted, ``of_offer``, and the columns of slots and places."""
    of_user: Names
    """What hangs on the user alone, what else people had among it."""
    of_offer: Names
    """What hangs on the offer alone; and what ``of_past`` holds, as it is for a user without a past."""
    of_moment: Mapping[str, Names]
    """Column of slots -> features. Users have a list of each feature, a value for each slot of their group."""
    of_past: Mapping[str, Names]
    """Column of places -> features. Users have a list of the column's name, of structs of ``PLACE`` and the features,
    for the places that they have a past with; null for none."""


def scoring_parts(night: Night, wanted: Collection[str], n_users: int) -> Parts:
    """Build the parts of ``features.crossing.scoring_rows``: by its joins and expressions, once a user and an offer.

    Pairs are many times as many, and nothing is done for each. Offers come to the driver: few rows, one for each
    campaign, time zone and platform.

    Parameters
    ----------
    night : Night
    wanted : collection of str
        Names of the features to build, and of what else of its ``people`` to keep.
    n_users : int
        How many people there are: users lie in no more partitions than their pairs are worth.

    Raises
    ------
    ValueError
        See `cut_features`.
    """
    people, histories, tables = night.people, night.histories, night.tables
    keys, campaign = keys_of(tables), ("campaign_id",)
    of_pair = [key for key in keys if "user_id" in key and len(key) > 1]
    of_offers = [key for key in keys if "campaign_id" in key and key != campaign and key not in of_pair]
    of_others = [key for key in keys if key not in (USER, campaign, *of_offers, *of_pair)]
    midnight = F.broadcast(night.fitted_priors)
    narrow = with_histories(people, histories, of_others)
    users = with_histories(narrow, histories, [USER])
    shared = sorted({"timezone", *(name for key in of_offers for name in key)} & {*users.columns})
    of_people = [histories[key] for key in (*of_others, USER)]
    midnights = people.select("as_of").distinct()
    groups = _numbered(reduce(DataFrame.crossJoin, (_values(name, of_people) for name in shared), midnights))
    sends = with_histories(night.campaigns.crossJoin(midnight), histories, [campaign])
    offers = with_local_send_time(with_send_at(sends.join(F.broadcast(groups), "as_of"), night.rules))
    offers = with_histories(offers, {key: F.broadcast(histories[key]) for key in of_offers}, of_offers)
    pasts = {key: histories[key].join(midnight, "as_of") for key in of_pair}

    asked = [one for one in features_of(tables) if one.name in wanted]
    of_users = {*users.columns, *night.fitted_priors.columns}
    cut = cut_features(asked, of_users, offers.columns, {key: known.columns for key, known in pasts.items()})
    told = _told(offers, cut, pasts.values())
    slots = {names: Slots.of(told, names, offers.schema) for names in cut.of_moment}
    places = {key: Places.of(told, besides_user(key), offers.schema) for key in cut.of_past}
    most_offers = int(told[GROUP].value_counts().field("counts").to_numpy().max(initial=0))
    n_parts = _n_partitions(people, n_users * most_offers)
    of_group = {name: OFFER + name for name in ("as_of", *shared)}
    same = [F.col(name).eqNullSafe(F.col(renamed)) for name, renamed in of_group.items()]
    settled = groups.join(midnight, "as_of", how="left").withColumnsRenamed(of_group)
    settled = reduce(lambda rows, one: rows.join(one.frame(rows), GROUP, how="left"), slots.values(), settled)
    lists = [_listed(pasts[key], places[key], ones, n_parts) for key, ones in cut.of_past.items()]
    lists.append(_by_user(histories[USER], n_parts))  # the widest last: each join copies what it finds
    users = reduce(_joined, lists, _by_user(narrow, n_parts)).join(F.broadcast(settled), same)
    extra = [name for name in people.columns if name not in REQUEST_KEY and name in wanted]
    lists_of_moments = (slots[names].each(one) for names, ones in cut.of_moment.items() for one in ones)
    of_pasts = [of_key.column for of_key in places.values()]
    apart: list[Slots | Places] = [*slots.values(), *places.values()]
    return Parts(
        users=users.select(*USER_KEY, GROUP, *extra, *map(evaluated, cut.of_user), *lists_of_moments, *of_pasts),
        offers=reduce(lambda table, one: table.append_column(one.column, one.of_offers), apart, told),
        of_user=(*extra, *_named(cut.of_user)),
        of_offer=_named([*cut.of_offer, *cut.any_past]),
        of_moment={slots[names].column: _named(ones) for names, ones in cut.of_moment.items()},
        of_past={places[key].column: _named(ones) for key, ones in cut.of_past.items()},
    )  # fmt: skip


def _told(offers: DataFrame, cut: Cut, pasts: Iterable[DataFrame]) -> pa.Table:
    """Bring offers to the driver, with what tells places apart; what is known of pairs is null."""
    unknown = {one.name: F.lit(None).cast(one.dataType) for past in pasts for one in past.schema}
    offers = offers.withColumns({name: value for name, value in unknown.items() if name not in offers.columns})
    names = dict.fromkeys(name for names in cut.shared_names for name in names)
    told = offers.select(
        GROUP, *OFFER_KEY, *(F.col(name).alias(OFFER + name) for name in names),
        *map(evaluated, [*cut.of_offer, *cut.any_past]),
    )  # fmt: skip
    return told.toArrow().sort_by([(name, "ascending") for name in (GROUP, *OFFER_KEY)])


def _listed(past: DataFrame, places: Places, features: Sequence[Feature], n_parts: int) -> DataFrame:
    """Give what users have a past with as a list each."""
    named = [one.name for one in places.fields]
    at_places = past.join(F.broadcast(places.frame(past)), named)
    each = at_places.select("user_id", "as_of", F.struct(PLACE, *map(evaluated, features)).alias(places.column))
    return _by_user(each, n_parts).groupBy("user_id", "as_of").agg(F.collect_list(places.column).alias(places.column))


def _n_partitions(rows: DataFrame, n_pairs: int) -> int:
    most = int(rows.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    return max(min(most, -(-n_pairs // PARTITION_PAIRS)), 1)


def _by_user(rows: DataFrame, n_parts: int) -> DataFrame:
    return rows.repartition(n_parts, "user_id")


def _joined(users: DataFrame, past: DataFrame) -> DataFrame:
    """Join what lies in the same partitions already."""
    return users.join(past.hint("shuffle_hash"), ["user_id", "as_of"], how="left")


def _values(name: str, histories: Iterable[DataFrame]) -> DataFrame:
    """Give all values that a column has in the first history that has it, and null."""
    known = next(rows for rows in histories if name in rows.columns).select(name)
    null = known.sparkSession.range(1).select(F.lit(None).cast(known.schema[name].dataType).alias(name))
    return known.union(null).distinct()


def _numbered(rows: DataFrame) -> DataFrame:
    """Bring few rows to the driver, and number them."""
    table = rows.toArrow()
    ordered = table.sort_by([(name, "ascending") for name in table.column_names])
    return rows.sparkSession.createDataFrame(ordered.append_column(GROUP, pa.array(range(len(ordered)), pa.int32())))


def _named(features: Iterable[Feature]) -> Names:
    return tuple(feature.name for feature in features)
