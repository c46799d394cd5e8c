"""What a user did with earlier sends of the category that the campaign has, and which categories were clicked last.

A past send has the category that its campaign had when the send became known; the campaign to be sent, the one known as
of midnight.
"""

from __future__ import annotations

from features.feature import Block, Feature, History
from features.known_sequences import CATEGORY_COLUMNS
from features.owner_streams import Told
from features.push_history import count_features, rate_features, recency_features
from features.user_rows import PUSH_COUNTS, PUSHED_LAST, user_rows
from features.whole_owners import as_origins, only
from features.windows import REMEMBERED, sums_asked

KEY = ("user_id", "category")
OF_CATEGORY = "of the campaign's category to the user"
AMONG_LAST = " OR ".join(f"coalesce(category = {name}, false)" for name in CATEGORY_COLUMNS)


def _read(history: History) -> Told:
    rows = [*as_origins(history.user_rows("pushes"))]
    if history.old_pushes:
        rows.append(user_rows("pushes", history.old_pushes_by(*KEY)))
    columns = (*KEY, "known", "event_day", *PUSH_COUNTS, *PUSHED_LAST)
    return only(rows, columns), sums_asked("user_category", PUSH_COUNTS, PUSHED_LAST)


BLOCK = Block(
    name="user_category_history",
    key=KEY,
    table="campaigns",
    read=_read,
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
