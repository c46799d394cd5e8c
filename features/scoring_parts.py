"""Feature rows of an audience and the campaigns to come, in the parts that a crossing puts together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from features.catalogue import features_of, keys_of
from features.crossing import Night
from features.cut_features import Names, besides_user, cut_features
from features.feature import CAMPAIGN, USER, Feature, Key
from features.joined_users import OWNER, JoinedUsers, by_user
from features.local_frame import local_frame
from features.offers import Groups, offers_of, told_of, values_of
from features.places import GROUP, OF_PERSON, OF_USER, OFFER, PLACE, Places, Slots
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

    users: JoinedUsers
    """``user_id, device_id``, ``GROUP``, ``of_user``, and the lists of ``of_moment`` and ``of_past``."""
    offers: pa.Table
    """``GROUP`` and ``OFFER_KEY``, by which they are sorted, ``of_offer``, and the columns of slots and places."""
    of_user: Names
    """What hangs on the user alone, what else people had among it."""
    of_offer: Names
    """What hangs on the offer alone; and what ``of_past`` holds, as it is for a user without a past."""
    of_moment: Mapping[str, Names]
    """Column of slots -> features. Users have a list of each feature, a value for each slot."""
    of_past: Mapping[str, Names]
    """Column of places -> features. Users have a list of the column's name, of structs of ``PLACE`` and the features,
    for the places that they have a past with."""


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
        When people are of several midnights, or of one without priors; and see `cut_features`.
    """
    keys = _Keys.of(night.tables)
    midnights = _midnights(night)
    priors = _priors(night, midnights)
    people = with_histories(night.people, night.histories, keys.of_others).withColumns(priors)
    known = night.histories[USER].withColumns(priors)
    pasts = {key: night.histories[key].withColumns(priors) for key in keys.of_pair}
    groups = _groups(night, keys, midnights)
    offers = offers_of(night, groups.both, keys.of_offers)

    asked = [one for one in features_of(night.tables) if one.name in wanted]
    of_pasts = {key: past.columns for key, past in pasts.items()}
    cut = cut_features(asked, people.columns, known.columns, offers.columns, of_pasts)
    told = told_of(offers, cut, pasts.values())
    slots = {names: Slots.of(told, names, offers.schema) for names in cut.of_moment}
    places = {key: Places.of(told, besides_user(key), offers.schema) for key in cut.of_past}

    most_offers = int(told[GROUP].value_counts().field("counts").to_numpy().max(initial=0))
    n_parts = _n_partitions(night.people, n_users * most_offers)
    extra = [name for name in night.people.columns if name not in REQUEST_KEY and name in wanted]
    people = _in_groups(people, groups.of_person)
    people = people.select(*OWNER, "device_id", OF_PERSON, *extra, *map(evaluated, cut.of_person))

    slotted = (F.broadcast(one.frame(groups.of_user)) for one in slots.values())
    settled = reduce(lambda rows, one: rows.join(one, OF_USER, how="left"), slotted, groups.of_user)
    lists_of_moments = [slots[names].each(one) for names, ones in cut.of_moment.items() for one in ones]
    of_user = [*map(F.col, (*OWNER, OF_USER)), *map(evaluated, cut.of_user), *lists_of_moments]
    nobody = _nobody(night.histories[USER], midnights).withColumns(priors)
    known, unknown = (_in_groups(rows, settled).select(of_user) for rows in (known, nobody))
    lists = {places[key].column: _at_places(pasts[key], places[key], ones) for key, ones in cut.of_past.items()}

    named_of_moments = [one.name for ones in cut.of_moment.values() for one in ones]
    apart: list[Slots | Places] = [*slots.values(), *places.values()]
    return Parts(
        users=JoinedUsers(
            people=by_user(people, n_parts),
            known=by_user(known, n_parts),
            unknown=unknown.toArrow(),
            pasts={name: by_user(rows, n_parts) for name, rows in lists.items()},
            n_of_person=groups.n_of_person,
            columns=(*USER_KEY, GROUP, *extra, *_named(cut.of_users), *named_of_moments, *lists),
            partitions=n_parts,
        ),
        offers=reduce(lambda table, one: table.append_column(one.column, one.of_offers), apart, told),
        of_user=(*extra, *_named(cut.of_users)),
        of_offer=_named([*cut.of_offer, *cut.any_past]),
        of_moment={slots[names].column: _named(ones) for names, ones in cut.of_moment.items()},
        of_past={places[key].column: _named(ones) for key, ones in cut.of_past.items()},
    )


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


def _midnights(night: Night) -> DataFrame:
    """Give those that people are asked about, as a column of few rows, ``as_of``."""
    asked = night.people.select("as_of").distinct()
    return local_frame(asked.sparkSession, asked.collect(), asked.schema)


def _priors(night: Night, midnights: DataFrame) -> dict[str, Column]:
    """Give the priors of the midnight that people are asked about; joined, they would be copied for each user."""
    asked = {row["as_of"] for row in midnights.collect()}
    fitted = {row.pop("as_of"): row for row in night.fitted_priors.toArrow().to_pylist()}
    if len(asked) > 1 or not asked <= {*fitted}:
        told = ", ".join(map(str, sorted(asked)))
        raise ValueError(f"expected people of one midnight with priors, got those of {told}")
    midnight = asked.pop() if asked else max(fitted)
    return {name: F.lit(value) for name, value in fitted[midnight].items()}


def _groups(night: Night, keys: _Keys, midnights: DataFrame) -> Groups:
    of_others, of_user = [night.histories[key] for key in keys.of_others], night.histories[USER]
    shared = sorted({"timezone", *(name for key in keys.of_offers for name in key)})
    of_users = [values_of(name, [of_user]) for name in shared if name in of_user.columns]
    of_people = [values_of(name, of_others) for name in shared if any(name in rows.columns for rows in of_others)]
    return Groups.of(midnights, of_users, of_people)


def _in_groups(rows: DataFrame, groups: DataFrame) -> DataFrame:
    """Give rows what their group has besides the columns that both have; there a null is like another null."""
    of_group = {name: OFFER + name for name in groups.columns if name in rows.columns}
    same = [F.col(name).eqNullSafe(F.col(renamed)) for name, renamed in of_group.items()]
    return rows.join(F.broadcast(groups.withColumnsRenamed(of_group)), same)


def _nobody(known: DataFrame, midnights: DataFrame) -> DataFrame:
    """Give a row like those of users, but null, for each midnight."""
    unknown = StructType([field for field in known.schema if field.name != "as_of"])
    return midnights.crossJoin(local_frame(known.sparkSession, [(None,) * len(unknown)], unknown))


def _at_places(past: DataFrame, places: Places, features: Sequence[Feature]) -> DataFrame:
    """Give what users have a past with, where offers are."""
    named = [one.name for one in places.fields]
    met = past.join(F.broadcast(places.frame(past)), named)
    return met.select(*OWNER, PLACE, *map(evaluated, features))


def _n_partitions(rows: DataFrame, n_pairs: int) -> int:
    most = int(rows.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    return max(min(most, -(-n_pairs // PARTITION_PAIRS)), 1)


def _named(features: Iterable[Feature]) -> Names:
    return tuple(feature.name for feature in features)
