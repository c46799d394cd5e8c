"""How a campaign does at the send's time of day.

Pushes that ended are counted by the hour of their send, in UTC like that of the send to come,
and the rate around that hour is pulled towards the campaign's own rate.
"""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import functions as F

from features.feature import Block, Feature, History
from features.known import Known
from features.known_counts import dense_sums
from features.local_time import HOURS
from features.outcomes import CLICKED
from features.owner_streams import Question, Told
from features.push_history import smoothed
from features.rhythm import NEAR_HOURS, as_lists, near_hour
from features.windows import MEMORY_DAYS

WINDOWS = (7, 28, MEMORY_DAYS)
OWN_RATE = smoothed("campaign_clicks_all", "campaign_sends_all", "campaign", "campaign_prior_rate")


def _read(history: History) -> Told:
    ended = history.table("outcomes").withColumn("hour", F.hour(F.timestamp_millis("sent_ms")))
    hourly = ended.groupBy("campaign_id", F.col("ds").alias("known"), "hour").agg(
        F.count("*").alias("sends"), F.count_if(F.col("outcome") == CLICKED).alias("clicks")
    )
    columns = {name: "array<int>" for days in WINDOWS for name in _hours(days)}
    return hourly, Question(_by_hour, columns, MEMORY_DAYS)


def _hours(days: int) -> dict[str, str]:
    """Name the counts by hour of a window, and say what they count."""
    return {f"campaign_hour_{count}_{days}d": count for count in ("sends", "clicks")}


def _by_hour(known: Known) -> dict[str, pa.Array]:
    hour, of_day = known.numbers("hour"), pa.list_(pa.int32())
    return {
        name: as_lists(dense_sums(inside, hour, known.numbers(count), HOURS)).cast(of_day)
        for days, inside in ((days, known.since(days)) for days in WINDOWS)
        for name, count in _hours(days).items()
    }


def _features(days: int) -> tuple[Feature, Feature]:
    sends, clicks = _hours(days)
    around, window = f"within {NEAR_HOURS} hours of the send's hour", f"known in the {days} days before midnight"
    return (
        Feature(
            f"campaign_sends_near_hour_{days}d", f"coalesce({near_hour(sends)}, 0)", "bigint",
            f"sends of the campaign {around}", "count", window,
        ),
        Feature(
            f"campaign_click_rate_near_hour_{days}d",
            smoothed(near_hour(clicks), near_hour(sends), "campaign", OWN_RATE), "double",
            f"smoothed share of the campaign's sends {around} that were clicked", "share", window,
            "no send at all was known yet",
        ),
    )  # fmt: skip


BLOCK = Block(
    name="campaign_rhythm",
    key=("campaign_id",),
    table="outcomes",
    read=_read,
    features=tuple(feature for days in WINDOWS for feature in _features(days)),
)
