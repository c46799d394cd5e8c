"""Feature rows of an audience crossed with the campaigns to come."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import Key
from features.requests import with_send_at
from features.rows import feature_rows
from features.time_rules import TimeRules


@dataclass(frozen=True)
class Night:
    """Who and what is to be scored, and what is known of them."""

    people: DataFrame
    """``user_id, device_id, as_of``, unique, and whatever else is to be kept."""
    campaigns: DataFrame
    """See ``features.requests.planned_sends``; few rows."""
    histories: Mapping[Key, DataFrame]
    """This, ``fitted_priors`` and ``tables`` as in ``features.rows.feature_rows``."""
    fitted_priors: DataFrame
    tables: Collection[str]
    rules: TimeRules
    """See ``features.requests.with_send_at``."""


def scoring_rows(night: Night) -> DataFrame:
    """Build the rows of ``features.rows.feature_rows`` for every user and every campaign to come."""
    histories = night.histories
    zones = [known.select(*key, "as_of", "timezone") for key, known in histories.items() if "timezone" in known.columns]
    of_zone = reduce(lambda rows, zone: rows.join(zone, ["user_id", "as_of"], how="left"), zones, night.people)
    crossed = with_send_at(of_zone.crossJoin(F.broadcast(night.campaigns)), night.rules)
    return feature_rows(crossed.drop("timezone", "local_hour"), histories, night.fitted_priors, night.tables)
