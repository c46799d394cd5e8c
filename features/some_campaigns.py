"""Some campaigns, of all that rows may be of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

MOST_NAMED = 1_000
"""Most campaigns that are named to who reads rows."""


@dataclass(frozen=True)
class SomeCampaigns:
    """Campaigns; a few are looked up once, and named to who reads rows, which then skips what has none of them."""

    frame: DataFrame
    """``campaign_id``, unique and not null."""
    names: Sequence[str] | None
    """None when there are more than ``MOST_NAMED``."""

    @classmethod
    def of(cls, rows: DataFrame) -> SomeCampaigns:
        """Take the campaigns of rows with ``campaign_id``."""
        frame = rows.select("campaign_id").dropna().distinct()
        names = [row["campaign_id"] for row in frame.limit(MOST_NAMED + 1).collect()]
        return cls(frame, names if len(names) <= MOST_NAMED else None)

    def among(self, rows: DataFrame) -> DataFrame:
        """Keep the rows of these campaigns."""
        if self.names is None:
            return rows.join(F.broadcast(self.frame), "campaign_id", how="left_semi")
        return rows.where(F.col("campaign_id").isin(self.names))
