"""Feature rows of an audience and the campaigns to come, in the parts that a crossing puts together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import features_of, keys_of
from features.crossing import Night
from features.cut_features import Names, besides_user, cut_features
from features.feature import CAMPAIGN, USER, Feature, Key
from features.offers import groups_of, offers_of, told_of
from features.places import GROUP, OFFER, PLACE, Places, Slots
from features.requests import REQUEST_KEY
from features.rows import evaluated, with_histories

USER_KEY = ("user_id", "device_id")

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
    keys = _Keys.of(night.tables)
    narrow = with_histories(night.people, night.histories, keys.of_others)
    users = with_histories(narrow, night.histories, [USER])
    shared = sorted({"timezone", *(name for key in keys.of_offers for name in key)} & {*users.columns})
    groups = groups_of(night, shared, keys.of_others)
    offers = offers_of(night, groups, keys.of_offers)
    midnight = F.broadcast(night.fitted_priors)
    pasts = {key: night.histories[key].join(midnight, "as_of") for key in keys.of_pair}

    asked = [one for one in features_of(night.tables) if one.name in wanted]
    of_users = {*users.columns, *night.fitted_priors.columns}
    cut = cut_features(asked, of_users, offers.columns, {key: known.columns for key, known in pasts.items()})
    told = told_of(offers, cut, pasts.values())
    slots = {names: Slots.of(told, names, offers.schema) for names in cut.of_moment}
    places = {key: Places.of(told, besides_user(key), offers.schema) for key in cut.of_past}

    most_offers = int(told[GROUP].value_counts().field("counts").to_numpy().max(initial=0))
    n_parts = _n_partitions(night.people, n_users * most_offers)
    lists = [_listed(pasts[key], places[key], ones, n_parts) for key, ones in cut.of_past.items()]
    lists.append(_by_user(night.histories[USER], n_parts))  # the widest last: each join copies what it finds
    users = reduce(_joined, lists, _by_user(narrow, n_parts))
    settled = reduce(lambda rows, one: rows.join(one.frame(rows), GROUP, how="left"), slots.values(), groups)
    users = _in_groups(users, settled.join(midnight, "as_of", how="left"), ("as_of", *shared))

    extra = [name for name in night.people.columns if name not in REQUEST_KEY and name in wanted]
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


@dataclass(frozen=True)
class _Keys:
    """Keys of histories, without those of the user and of the campaign themselves, by what they hang on."""

    of_pair: list[Key]
    """On the user and what it is asked about."""
    of_offers: list[Key]
    """On the campaign and what people have, like the platform."""
    of_others: list[Key]
    """On what people have."""

    @classmethod
    def of(cls, tables: Collection[str]) -> _Keys:
        several = [key for key in keys_of(tables) if key not in (USER, CAMPAIGN)]
        of_pair = [key for key in several if {*USER} < {*key}]
        of_offers = [key for key in several if {*CAMPAIGN} < {*key} and key not in of_pair]
        return cls(of_pair, of_offers, [key for key in several if key not in (*of_pair, *of_offers)])


def _in_groups(users: DataFrame, groups: DataFrame, names: Iterable[str]) -> DataFrame:
    """Give users what their group has besides some columns, which both have; a null is like another null."""
    of_group = {name: OFFER + name for name in names}
    same = [F.col(name).eqNullSafe(F.col(renamed)) for name, renamed in of_group.items()]
    return users.join(F.broadcast(groups.withColumnsRenamed(of_group)), same)


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


def _named(features: Iterable[Feature]) -> Names:
    return tuple(feature.name for feature in features)
