"""What a user was sent and clicked, and of how many campaigns and categories."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

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

ENDED = "ended_campaigns"
"""How many campaigns a row adds, of all that old pushes were of: a row that is of one of those takes it off again."""


def _read(history: History) -> Told:
    cells, counted = window_sums(
        _cells(history),
        key=("user_id",),
        prefix="user",
        sums=PUSH_COUNTS,
        latest=PUSHED_LAST,
        windows=USER_WINDOWS_DAYS,
        others=(*THINGS, ENDED),
    )
    distinct = [name for things in THINGS.values() for name in window_names("user", things, USER_WINDOWS_DAYS)]

    def answer(known: Known) -> dict[str, pa.Array]:
        columns = dict(counted.answer(known))
        for name, things in THINGS.items():
            columns |= distinct_things(known, name, "user", things, USER_WINDOWS_DAYS)
        of_all = window_names("user", THINGS["campaign_id"], ())[0]
        columns[of_all] = pc.add(columns[of_all], known.total(known.rows.column(ENDED).to_numpy()))
        return columns

    return cells, Question(answer, {**counted.columns, **dict.fromkeys(distinct, "bigint")})


def _cells(history: History) -> DataFrame:
    """Give push partials with what was sent, null where only something else became known, and ``ENDED``.

    Old days have a row a category, one a campaign that goes on, and one for all others.
    """
    is_sent, always = F.col("sends") > 0, ("user_id", "event_day", "ds")
    counts = (*always, *PUSH_COUNTS, *PUSHED_LAST)

    def sent(name: str) -> Column:
        return F.when(is_sent, F.col(name)).alias(name)

    cells = history.pushes.select(*counts, *map(sent, THINGS), F.lit(0).cast("long").alias(ENDED))
    if not history.old_pushes:
        return cells
    by_category = history.old_pushes_by("user_id", "category").select(*counts, sent("category"))
    of_user = history.old_pair_sums["user_id",].select(*always, F.col("campaigns").alias(ENDED))
    going_on = history.old_pairs().where(is_sent).select(*always, "campaign_id", F.lit(-1).cast("long").alias(ENDED))
    by_campaign = of_user.unionByName(going_on, allowMissingColumns=True)
    old = by_category.unionByName(by_campaign, allowMissingColumns=True).fillna(0, [*PUSH_COUNTS, ENDED])
    return cells.unionByName(old)


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
