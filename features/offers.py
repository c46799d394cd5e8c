"""Offers to a night's audience: a campaign to the users of one group, as those of one time zone and platform are.

An offer settles the time of the send, and all that hangs on the campaign. There are few: they come to the driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.crossing import Night
from features.cut_features import Cut
from features.feature import CAMPAIGN, USER, Key
from features.places import GROUP, OFFER
from features.requests import with_send_at
from features.rows import evaluated, with_histories
from features.send_context import with_local_send_time

OFFER_KEY = ("campaign_id", "send_at")


def groups_of(night: Night, shared: Sequence[str], of_others: Iterable[Key]) -> DataFrame:
    """Give a number to all that people may have in some columns: ``as_of``, the columns, ``GROUP``."""
    of_people = [night.histories[key] for key in (*of_others, USER)]
    midnights = night.people.select("as_of").distinct()
    return _numbered(reduce(DataFrame.crossJoin, (_values(name, of_people) for name in shared), midnights))


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
        GROUP, *OFFER_KEY, *(F.col(name).alias(OFFER + name) for name in names),
        *map(evaluated, [*cut.of_offer, *cut.any_past]),
    )  # fmt: skip
    return told.toArrow().sort_by([(name, "ascending") for name in (GROUP, *OFFER_KEY)])


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
