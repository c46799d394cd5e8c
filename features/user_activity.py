"""What a user was sent and clicked, and of how many campaigns and categories."""

from __future__ import annotations

import pyarrow as pa

from features.feature import PUSH_COUNTS, PUSHED_LAST, Block, History
from features.known_things import distinct_things
from features.owner_streams import Known, Question, Told
from features.push_history import (
    count_features,
    days_since,
    rate_features,
    recency_features,
)
from features.windows import USER_WINDOWS_DAYS, window_names, window_sums

THINGS = {"campaign_id": "campaigns", "category": "categories"}
"""What a push is of, and its plural."""


def _read(history: History) -> Told:
    cells, counted = window_sums(
        history.pushes_by("user_id", *THINGS),
        key=("user_id",),
        prefix="user",
        sums=PUSH_COUNTS,
        latest=PUSHED_LAST,
        windows=USER_WINDOWS_DAYS,
        others=tuple(THINGS),
    )
    distinct = [name for things in THINGS.values() for name in window_names("user", things, USER_WINDOWS_DAYS)]

    def answer(known: Known) -> dict[str, pa.Array]:
        sent, columns = known.where(known.rows.column("sends").to_numpy() > 0), dict(counted.answer(known))
        for name, things in THINGS.items():
            columns |= distinct_things(sent, name, "user", things, USER_WINDOWS_DAYS)
        return columns

    return cells, Question(answer, {**counted.columns, **dict.fromkeys(distinct, "bigint")})


BLOCK = Block(
    name="user_history",
    key=("user_id",),
    table="pushes",
    read=_read,
    features=(
        *count_features("user", PUSH_COUNTS, "of the user", USER_WINDOWS_DAYS),
        *rate_features("user", "to the user", USER_WINDOWS_DAYS),
        *recency_features("user", "of the user"),
        days_since("user_days_since_first_push", "user_first_day", "the user's first push"),
        *count_features("user", tuple(THINGS.values()), "that the user was sent pushes of", USER_WINDOWS_DAYS),
    ),
    prior_level="user",
)
