"""Where a campaign stands among those of the last days."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F

from features.feature import Block, Feature, History
from features.known import Known
from features.owner_streams import Question, Told

ACTIVE_DAYS = 7
WINDOW = f"{ACTIVE_DAYS} days before midnight"
COLUMNS = ("campaign_rank", "campaigns_active")


def _read(history: History) -> Told:
    """Rank the campaigns at the end of every day: a row each, for the midnight that follows."""
    day_known = F.greatest("ds", "event_day")
    last_day = F.date_add("event_day", ACTIVE_DAYS - 1)
    cells = history.recent_pushes_by("campaign_id").where(day_known <= last_day)
    sums = [F.sum(name).alias(name) for name in ("sends", "clicks")]
    daily = cells.groupBy("campaign_id", day_known.alias("known"), last_day.alias("last_day")).agg(*sums)
    by_day = daily.select("campaign_id", "sends", "clicks", F.explode(F.sequence("known", "last_day")).alias("known"))
    totals = by_day.groupBy("campaign_id", "known").agg(*sums)
    together = Window.partitionBy("known")
    ranked = totals.where(F.col("sends") > 0).select(
        "campaign_id", "known",
        F.rank().over(together.orderBy(F.desc("clicks"))).cast("long").alias("campaign_rank"),
        F.count("*").over(together).alias("campaigns_active"),
    )  # fmt: skip
    return ranked, Question(_of_last_day, dict.fromkeys(COLUMNS, "bigint"), days=1)


def _of_last_day(known: Known) -> dict[str, pa.Array]:
    return {name: known.greatest(known.rows.column(name).to_numpy()) for name in COLUMNS}


BLOCK = Block(
    name="campaign_rank",
    key=("campaign_id",),
    table="pushes",
    read=_read,
    features=(
        Feature(
            "campaign_rank_7d", "campaign_rank", "bigint",
            "1 for the campaign with the most clicks, 2 for the next one, of those that were sent", "rank", WINDOW,
            "the campaign was not sent",
        ),
        Feature(
            "campaigns_active_7d", "campaigns_active", "bigint", "campaigns that were sent, with this one", "count",
            WINDOW, "the campaign was not sent",
        ),
    ),
)  # fmt: skip
