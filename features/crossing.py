"""Feature rows of an audience crossed with the campaigns to come."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import Key
from features.requests import with_send_at
from features.rows import feature_rows
from features.time_rules import TimeRules


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
    """
    zones = [known.select(*key, "as_of", "timezone") for key, known in histories.items() if "timezone" in known.columns]
    of_zone = reduce(lambda rows, zone: rows.join(zone, ["user_id", "as_of"], how="left"), zones, people)
    crossed = with_send_at(of_zone.crossJoin(F.broadcast(campaigns)), rules)
    return feature_rows(crossed.drop("timezone", "local_hour"), histories, fitted_priors, tables)
