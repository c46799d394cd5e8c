"""What a user did with earlier sends of the same campaign."""

from __future__ import annotations

from features.feature import Block
from features.push_history import count_features, rate_features, reader, recency_features

PAIR = "of this campaign to the user"

BLOCK = Block(
    name="user_campaign_history",
    key=("user_id", "campaign_id"),
    table="pushes",
    read=reader(("user_id", "campaign_id"), "user_campaign"),
    features=(
        *count_features("user_campaign", ("sends", "clicks"), PAIR),
        *rate_features("user_campaign", PAIR),
        *recency_features("user_campaign", PAIR),
    ),
    prior_level="user_campaign",
)
