"""What a user did with earlier sends of the category that the campaign has.

A past send has the category that its campaign had when the send became known; the campaign to be sent, the one known as
of midnight.
"""

from __future__ import annotations

from features.feature import Block
from features.push_history import count_features, rate_features, reader, recency_features

OF_CATEGORY = "of the campaign's category to the user"

BLOCK = Block(
    name="user_category_history",
    key=("user_id", "category"),
    table="campaigns",
    read=reader(("user_id", "category"), "user_category"),
    features=(
        *count_features("user_category", ("sends", "clicks"), OF_CATEGORY),
        *rate_features("user_category", OF_CATEGORY),
        *recency_features("user_category", OF_CATEGORY),
    ),
    prior_level="user_category",
)
