"""What a user was sent and clicked, and of how many campaigns and categories."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import OLD_CAMPAIGNS, OLD_CATEGORIES, PUSH_COUNTS, PUSHED_LAST, Block, History
from features.known import Known
from features.known_things import distinct_things, each_value
from features.owner_streams import Question, Told
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
        _cells(history),
        key=("user_id",),
        prefix="user",
        sums=PUSH_COUNTS,
        latest=PUSHED_LAST,
        windows=USER_WINDOWS_DAYS,
        others=(*THINGS, OLD_CAMPAIGNS, OLD_CATEGORIES),
    )
    distinct = [name for things in THINGS.values() for name in window_names("user", things, USER_WINDOWS_DAYS)]

    def answer(known: Known) -> dict[str, pa.Array]:
        columns = dict(counted.answer(known))
        columns |= distinct_things(known, "campaign_id", "user", THINGS["campaign_id"], USER_WINDOWS_DAYS)
        of_all = window_names("user", THINGS["campaign_id"], ())[0]
        columns[of_all] = pc.add(columns[of_all], known.total(known.rows.column(OLD_CAMPAIGNS).to_numpy()))
        with_old = each_value(known, "category", OLD_CATEGORIES)
        columns |= distinct_things(with_old, "category", "user", THINGS["category"], USER_WINDOWS_DAYS)
        return columns

    return cells, Question(answer, {**counted.columns, **dict.fromkeys(distinct, "bigint")})


def _cells(history: History) -> DataFrame:
    """Give push partials with what was sent, null where only something else became known.

    Old days have a row a user, and one a campaign that goes on, which takes it off ``OLD_CAMPAIGNS`` again.
    """
    is_sent, always = F.col("sends") > 0, ("user_id", "event_day", "ds")
    counts = (*always, *PUSH_COUNTS, *PUSHED_LAST)
    things = (F.when(is_sent, F.col(name)).alias(name) for name in THINGS)
    nothing_old = F.lit(0).cast("long").alias(OLD_CAMPAIGNS), F.lit(None).cast("array<string>").alias(OLD_CATEGORIES)
    cells = history.pushes.select(*counts, *things, *nothing_old)
    if history.old_sums is None:
        return cells
    of_user = history.old_sums.select(*counts, OLD_CAMPAIGNS, OLD_CATEGORIES)
    taken_off = F.lit(-1).cast("long").alias(OLD_CAMPAIGNS)
    going_on = history.old_pairs().where(is_sent).select(*always, "campaign_id", taken_off)
    old = of_user.unionByName(going_on, allowMissingColumns=True).fillna(0, PUSH_COUNTS)
    return cells.unionByName(old, allowMissingColumns=True)


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
