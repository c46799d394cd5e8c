"""What a user was sent and clicked."""

from __future__ import annotations

from features.feature import Block
from features.partials import PUSH_COUNTS
from features.push_history import count_features, days_since, rate_features, reader, recency_features

BLOCK = Block(
    name="user_history",
    key=("user_id",),
    table="pushes",
    read=reader(("user_id",), "user"),
    features=(
        *count_features("user", PUSH_COUNTS, "of the user"),
        *rate_features("user", "to the user"),
        *recency_features("user", "of the user"),
        days_since("user_days_since_first_push", "user_first_day", "the user's first push"),
    ),
    prior_level="user",
)
