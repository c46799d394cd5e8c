"""How a campaign does at the send's time of day.

Pushes that ended are counted by the hour of their send, in UTC like that of the send to come (see
``features.user_rhythm``), and the rate around that hour is pulled towards the campaign's own rate.
"""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import Block, Feature, History
from features.known_counts import dense_sums
from features.outcomes import CLICKED
from features.owner_streams import Known, over_owners
from features.push_history import smoothed
from features.user_rhythm import HOURS, NEAR_HOURS, as_lists, near_hour
from features.windows import MEMORY_DAYS, REMEMBERED

SENDS, CLICKS = "campaign_hour_sends", "campaign_hour_clicks"
OWN_RATE = smoothed("campaign_clicks_all", "campaign_sends_all", "campaign", "campaign_prior_rate")


def _read(keys: DataFrame, history: History) -> DataFrame:
    ended = history.table("outcomes").withColumn("hour", F.hour(F.timestamp_millis("sent_ms")))
    hourly = ended.groupBy("campaign_id", F.col("ds").alias("known"), "hour").agg(
        F.count("*").alias("sends"), F.count_if(F.col("outcome") == CLICKED).alias("clicks")
    )
    columns = dict.fromkeys((SENDS, CLICKS), "array<bigint>")
    return over_owners(keys, hourly, _by_hour, columns, owner=("campaign_id",), days=MEMORY_DAYS)


def _by_hour(known: Known) -> dict[str, pa.Array]:
    sums = {SENDS: "sends", CLICKS: "clicks"}
    return {name: as_lists(dense_sums(known, "hour", count, HOURS)) for name, count in sums.items()}


BLOCK = Block(
    name="campaign_rhythm",
    key=("campaign_id",),
    table="outcomes",
    read=_read,
    features=(
        Feature(
            "campaign_click_rate_near_hour",
            smoothed(near_hour(CLICKS), near_hour(SENDS), "campaign", OWN_RATE),
            "double",
            f"smoothed share of the campaign's sends within {NEAR_HOURS} hours of the send's hour that were clicked",
            "share",
            REMEMBERED,
            "no send at all was known yet",
        ),
    ),
)
