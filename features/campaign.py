"""What a campaign is, as last known, and how it did so far."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.change_logs import change_reader, known_by_day, latest_as_of
from features.feature import Block, Feature
from features.partials import days_of_sends
from features.push_history import count_features, days_since, rate_features, reader

RECENT_DAYS = (1, 3, 7, 28)
"""Windows of a campaign, which has many sends a day, and whose appeal changes within days."""

NOT_GIVEN = "unknown campaign, or not given"

STATE = Block(
    name="campaign_state",
    key=("campaign_id",),
    table="campaigns",
    read=change_reader("campaigns", key="campaign_id", columns=("category", "title_length", "has_image")),
    features=(
        Feature(
            "campaign_category", "category", "string", "category of the campaign", "category", null_meaning=NOT_GIVEN
        ),
        Feature(
            "title_length", "title_length", "int", "length of the push's title", "characters", null_meaning=NOT_GIVEN
        ),
        Feature(
            "has_image", "cast(has_image as int)", "int", "1 when the push has a picture", "0 or 1",
            null_meaning=NOT_GIVEN,
        ),
    ),
)  # fmt: skip

HISTORY = Block(
    name="campaign_history",
    key=("campaign_id",),
    table="pushes",
    read=reader(("campaign_id",), "campaign", RECENT_DAYS),
    features=(
        Feature("campaign", "campaign_id", "string", "the campaign itself", "category", "at the send"),
        *count_features("campaign", ("sends", "clicks"), "of the campaign", RECENT_DAYS),
        *rate_features("campaign", "of the campaign", RECENT_DAYS),
        days_since("campaign_days_since_first_send", "campaign_first_day", "the campaign's first send"),
    ),
    prior_level="campaign",
)


def with_category(rows: DataFrame, campaigns: DataFrame) -> DataFrame:
    """Add ``category``, as known at ``as_of`` (null: unknown), to rows with ``campaign_id`` and ``as_of``."""
    asked = rows.select("campaign_id", "as_of").distinct()
    known = latest_as_of(asked, campaigns, key="campaign_id", columns=("category",))
    return rows.join(F.broadcast(known), ["campaign_id", "as_of"], how="left")


def categories_by_day(sends: DataFrame, clicks: DataFrame, campaigns: DataFrame) -> DataFrame:
    """Give ``campaign_id, ds, category`` of what was sent or clicked; see ``known_by_day``."""
    return known_by_day(days_of_sends(sends, clicks), campaigns, key="campaign_id", columns=("category",))
