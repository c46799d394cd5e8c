"""What a user did with earlier sends of the category that the campaign has, and which categories were clicked last.

A past send has the category that its campaign had when the send became known; the campaign to be sent, the one known as
of midnight.
"""

from __future__ import annotations

from features.feature import Block, Feature
from features.known_sequences import CATEGORY_COLUMNS
from features.push_history import count_features, rate_features, reader, recency_features
from features.windows import REMEMBERED

OF_CATEGORY = "of the campaign's category to the user"
AMONG_LAST = " OR ".join(f"coalesce(category = {name}, false)" for name in CATEGORY_COLUMNS)

BLOCK = Block(
    name="user_category_history",
    key=("user_id", "category"),
    table="campaigns",
    read=reader(("user_id", "category"), "user_category"),
    features=(
        *count_features("user_category", ("sends", "clicks"), OF_CATEGORY),
        *rate_features("user_category", OF_CATEGORY),
        *recency_features("user_category", OF_CATEGORY),
        *(
            Feature(
                f"user_last_clicked_category_{place}", name, "string",
                f"category of the push that the user clicked, number {place} counted from the newest", "category",
                REMEMBERED, "fewer ended pushes were clicked, or the category was not known",
            )
            for place, name in enumerate(CATEGORY_COLUMNS, 1)
        ),
        Feature(
            "user_category_among_last_clicked", f"cast({AMONG_LAST} as int)", "int",
            f"1 when the campaign's category is among those of the last {len(CATEGORY_COLUMNS)} pushes clicked",
            "0 or 1", REMEMBERED,
        ),
    ),
    prior_level="user_category",
)  # fmt: skip
