"""What a user did with earlier sends of the same campaign."""

from __future__ import annotations

from features.feature import PAIR, Block
from features.push_history import count_features, rate_features, reader, recency_features

OF_PAIR = "of this campaign to the user"

BLOCK = Block(
    name="user_campaign_history",
    key=PAIR,
    table="pushes",
    read=reader(PAIR, "user_campaign"),
    features=(
        *count_features("user_campaign", ("sends", "clicks"), OF_PAIR),
        *rate_features("user_campaign", OF_PAIR),
        *recency_features("user_campaign", OF_PAIR),
    ),
    prior_level="user_campaign",
)
