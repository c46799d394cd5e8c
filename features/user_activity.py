"""What a user was sent and clicked, and of how many campaigns and categories."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import Block, History
from features.known import Known
from features.known_things import distinct_things, each_value
from features.owner_streams import Question, Told
from features.push_history import (
    count_features,
    days_since,
    rate_features,
    recency_features,
)
from features.user_rows import OLD_CAMPAIGNS, OLD_CATEGORIES, PUSH_COUNTS, PUSHED_LAST, user_rows
from features.whole_owners import as_origins
from features.windows import USER_WINDOWS_DAYS, sums_asked, window_names

THINGS = {"campaign_id": "campaigns", "category": "categories"}
"""What a push is of, and its plural."""


def _read(history: History) -> Told:
    counted = sums_asked("user", PUSH_COUNTS, PUSHED_LAST, USER_WINDOWS_DAYS)
    distinct = [name for things in THINGS.values() for name in window_names("user", things, USER_WINDOWS_DAYS)]

    def answer(known: Known) -> dict[str, pa.Array]:
        columns = dict(counted.answer(known))
        known = known.only("event_day", *THINGS, "sends", OLD_CAMPAIGNS, OLD_CATEGORIES)
        sent = known.where((known.numbers("sends") > 0) | (known.numbers(OLD_CAMPAIGNS) != 0))
        columns |= distinct_things(sent, "campaign_id", "user", THINGS["campaign_id"], USER_WINDOWS_DAYS)
        of_all = window_names("user", THINGS["campaign_id"], ())[0]
        columns[of_all] = pc.add(columns[of_all], sent.total(sent.numbers(OLD_CAMPAIGNS)))
        with_old = each_value(sent, "category", OLD_CATEGORIES)
        columns |= distinct_things(with_old, "category", "user", THINGS["category"], USER_WINDOWS_DAYS)
        return columns

    rows = [*as_origins(history.user_rows("pushes")), *_old(history)]
    return rows, Question(answer, {**counted.columns, **dict.fromkeys(distinct, "bigint")})


def _old(history: History) -> list[DataFrame]:
    """Give what stands for old days: a row a user, and one a campaign that goes on, taken off ``OLD_CAMPAIGNS`` again.

    A row of a user names no campaign, and categories in a list.
    """
    if history.old_sums is None:
        return []
    going_on = history.old_pairs().drop("category").where("sends > 0").withColumn(OLD_CAMPAIGNS, F.lit(-1).cast("long"))
    uncounted = dict.fromkeys(PUSH_COUNTS, F.lit(0).cast("long")) | dict.fromkeys(PUSHED_LAST, F.lit(None).cast("long"))
    return [user_rows("pushes", rows) for rows in (history.old_sums, going_on.withColumns(uncounted))]


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
