"""Which simulated campaigns run when, what they are, and what is planned next."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.simulation.catalogue import CATEGORIES
from jobs.simulation.instants import DAY_MS, HOUR_MS
from jobs.simulation.parameters import Parameters
from jobs.simulation.randomness import Draws


class Campaigns:
    """Campaigns as pure arithmetic, so that no send has to look one up in a table.

    Each of ``campaign_lanes`` lanes runs one campaign after another, all of the lane's length; a campaign is named by
    its ``lane`` and its ``turn`` in it (both INT), and all that it is follows from hashes of these two.
    """

    def __init__(self, p: Parameters) -> None:
        self._p = p
        self._draw = Draws(p.seed)

    def turn(self, lane: Column, day: Column) -> Column:
        """Tell which campaign of a lane runs on a day (0 is the first of the period)."""
        return F.floor((day + self._shift(lane)) / self._length(lane)).cast("int")

    def first_day(self, lane: Column, turn: Column) -> Column:
        """Tell the day on which a campaign begins; negative when it ran before the period."""
        return turn * self._length(lane) - self._shift(lane)

    def category(self, lane: Column, turn: Column) -> Column:
        """Give a campaign's category, as a position in ``CATEGORIES``."""
        return self._draw.rank("campaign/category", lane, turn, below=len(CATEGORIES))

    def title_length(self, lane: Column, turn: Column) -> Column:
        """Give the length of a campaign's title in characters; it has no effect on clicks."""
        return F.lit(20) + self._draw.whole("campaign/title", lane, turn, below=60)

    def has_image(self, lane: Column, turn: Column) -> Column:
        """Tell whether a campaign's pushes have an image."""
        return self._draw.chance("campaign/image", lane, turn, share=0.5)

    def appeal(self, lane: Column, turn: Column) -> Column:
        """Give a campaign's effect on the logit of a click: of its category, its image and its own quality."""
        category = self._draw.normal("campaign/appeal", self.category(lane, turn)) * F.lit(self._p.category_sigma)
        quality = self._draw.normal("campaign/quality", lane, turn) * F.lit(self._p.quality_sigma)
        image = F.when(self.has_image(lane, turn), F.lit(self._p.image_effect)).otherwise(0.0)
        return category + quality + image

    def _length(self, lane: Column) -> Column:
        span = self._p.campaign_days_max - self._p.campaign_days_min + 1
        return F.lit(self._p.campaign_days_min) + self._draw.whole("lane/length", lane, below=span)

    def _shift(self, lane: Column) -> Column:
        return self._draw.whole("lane/shift", lane, below=self._length(lane))


def campaign_id(lane: Column, turn: Column) -> Column:
    """Name a campaign."""
    return F.concat(F.lit("c"), F.lpad(lane.cast("string"), 3, "0"), F.lit("-"), F.lpad(turn.cast("string"), 4, "0"))


def campaign_rows(spark: SparkSession, p: Parameters) -> DataFrame:
    """Give all campaigns of the period, known (``updated_ms``) at noon of the day before, or at the snapshot."""
    campaigns, draw = Campaigns(p), Draws(p.seed)
    lane, turn = F.col("lane"), F.col("turn")
    turns = F.sequence(F.lit(0), campaigns.turn(lane, F.lit(p.days - 1)))
    begins_ms = F.lit(p.start_ms) + campaigns.first_day(lane, turn) * F.lit(DAY_MS)
    title = F.when(
        ~draw.chance("title/missing", lane, turn, share=p.missing_title_share), campaigns.title_length(lane, turn)
    )
    names = F.array(*map(F.lit, CATEGORIES))
    return (
        _lanes(spark, p.campaign_lanes)
        .select("lane", F.explode(turns).alias("turn"))
        .select(
            campaign_id(lane, turn).alias("campaign_id"),
            names[campaigns.category(lane, turn)].alias("category"),
            title.alias("title_length"),
            campaigns.has_image(lane, turn).alias("has_image"),
            F.greatest(begins_ms - 12 * HOUR_MS, F.lit(p.snapshot_ms)).alias("updated_ms"),
        )
    )


def plan_rows(spark: SparkSession, p: Parameters) -> DataFrame:
    """Give what is planned for the day after the period: campaigns of its last day again, between 8 and 20 h UTC.

    The plans are known at 18 h of the evening before.
    """
    campaigns, draw = Campaigns(p), Draws(p.seed)
    lane = F.col("lane")
    hour = F.lit(8) + draw.whole("plan/hour", lane, below=13)
    return _lanes(spark, min(p.plan_campaigns, p.campaign_lanes)).select(
        campaign_id(lane, campaigns.turn(lane, F.lit(p.days - 1))).alias("campaign_id"),
        F.timestamp_millis(F.lit(p.end_ms) + hour.cast("long") * HOUR_MS).alias("send_at"),
        F.timestamp_millis(F.lit(p.end_ms - 6 * HOUR_MS)).alias("known_at"),
    )


def _lanes(spark: SparkSession, count: int) -> DataFrame:
    return spark.range(count, numPartitions=1).select(F.col("id").cast("int").alias("lane"))
