"""Offers to a night's audience: a campaign to the users of one group, as those of one time zone and platform are.

An offer settles the time of the send, and all that hangs on the campaign. There are few: they come to the driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.crossing import Night
from features.cut_features import Cut
from features.feature import CAMPAIGN, Key
from features.places import GROUP, OF_PERSON, OF_USER, OFFER
from features.requests import with_send_at
from features.rows import evaluated, with_histories
from features.send_context import with_local_send_time

OFFER_KEY = ("campaign_id", "send_at")


@dataclass(frozen=True)
class Groups:
    """All that people may have in the columns that tell offers apart; each of three frames has ``as_of`` too."""

    of_user: DataFrame
    """What is known of users: the columns, and ``OF_USER``."""
    of_person: DataFrame
    """What people have with their devices: the columns, and ``OF_PERSON``."""
    n_of_person: int

    @classmethod
    def of(cls, midnights: DataFrame, of_user: Sequence[DataFrame], of_person: Sequence[DataFrame]) -> Groups:
        """Find them in columns of one name each."""
        persons, n_of_person = _numbered(reduce(DataFrame.crossJoin, of_person, midnights), OF_PERSON)
        users, _ = _numbered(reduce(DataFrame.crossJoin, of_user, midnights), OF_USER)
        return cls(users, persons, n_of_person)

    @property
    def both(self) -> DataFrame:
        """Give all columns, the numbers, and ``GROUP``."""
        group = F.col(OF_USER) * self.n_of_person + F.col(OF_PERSON)
        return self.of_user.join(F.broadcast(self.of_person), "as_of").withColumn(GROUP, group)


def values_of(name: str, histories: Iterable[DataFrame]) -> DataFrame:
    """Give all values that a column has in the first history that has it, and null."""
    known = next(rows for rows in histories if name in rows.columns).select(name)
    null = known.sparkSession.range(1).select(F.lit(None).cast(known.schema[name].dataType).alias(name))
    return known.union(null).distinct()


def offers_of(night: Night, groups: DataFrame, of_offers: Sequence[Key]) -> DataFrame:
    """Give what is known of each campaign as it is sent to each group."""
    campaigns = night.campaigns.crossJoin(F.broadcast(night.fitted_priors))
    sends = with_histories(campaigns, night.histories, [CAMPAIGN]).join(F.broadcast(groups), "as_of")
    offers = with_local_send_time(with_send_at(sends, night.rules))
    return with_histories(offers, {key: F.broadcast(night.histories[key]) for key in of_offers}, of_offers)


def told_of(offers: DataFrame, cut: Cut, pasts: Iterable[DataFrame]) -> pa.Table:
    """Bring offers to the driver, with what tells places apart; what is known of pairs is null."""
    unknown = {one.name: F.lit(None).cast(one.dataType) for past in pasts for one in past.schema}
    offers = offers.withColumns({name: value for name, value in unknown.items() if name not in offers.columns})
    names = dict.fromkeys(name for names in cut.shared_names for name in names)
    told = offers.select(
        GROUP, OF_USER, *OFFER_KEY, *(F.col(name).alias(OFFER + name) for name in names),
        *map(evaluated, [*cut.of_offer, *cut.any_past]),
    )  # fmt: skip
    return told.toArrow().sort_by([(name, "ascending") for name in (GROUP, *OFFER_KEY)])


def _numbered(rows: DataFrame, name: str) -> tuple[DataFrame, int]:
    """Bring few rows to the driver, and number them; gives how many there are, too."""
    table = rows.toArrow()
    ordered = table.sort_by([(column, "ascending") for column in table.column_names])
    numbered = ordered.append_column(name, pa.array(range(len(ordered)), pa.int32()))
    return rows.sparkSession.createDataFrame(numbered), len(ordered)
