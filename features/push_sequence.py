"""The user's pushes in their order: fatigue, the last outcomes, when and how fast the user clicks, gaps between sends.

Only pushes that ended count: nothing can change their outcome any more, and all of it was known by midnight. The last
10 outcomes are a column each, two counts and ``user_click_pattern``, which reads them as a binary fraction, newest
first: one column by which a tree tells a click on the newest push from one further back.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.feature import Block, Feature, History
from features.known import Known
from features.known_counts import dense_sums
from features.known_sequences import CATEGORY_COLUMNS, LAST_OUTCOMES, RECENT, SEQUENCE_COLUMNS, sequences
from features.local_time import WEEK
from features.outcomes import CLICKED
from features.owner_streams import Question, Told
from features.rhythm import rhythm, rhythm_columns, rhythm_features
from features.rhythm_events import NO_HOUR, OF_EVENTS, Events
from features.whole_owners import only
from features.windows import MEMORY_DAYS, REMEMBERED

LAST = f"last {RECENT} pushes"
SEVERAL = "fewer than two pushes ended"


def _read(history: History) -> Told:
    def answer(known: Known) -> dict[str, pa.Array]:
        clicks = (known.numbers("outcome") == CLICKED).astype(np.int64)
        return {**sequences(known), **rhythm("click", dense_sums(known, known.numbers("hour_of_week"), clicks, WEEK))}

    numbers, texts = dict.fromkeys(SEQUENCE_COLUMNS, "bigint"), dict.fromkeys(CATEGORY_COLUMNS, "string")
    columns = {**numbers, **texts, **rhythm_columns("click")}
    return history.user_rows("outcomes"), Question(answer, columns, MEMORY_DAYS)


def _clicks(history: History) -> Events:
    def hour(rows: pa.Table) -> pa.ChunkedArray:
        clicked = pc.equal(rows.column("outcome"), CLICKED)
        return pc.if_else(clicked, pa.scalar(NO_HOUR, pa.int64()), None)

    return Events(only(history.user_rows("outcomes"), (*OF_EVENTS, "outcome")), hour)


def _whole(name: str, column: str, meaning: str, window: str = REMEMBERED) -> Feature:
    return Feature(name, f"coalesce({column}, 0)", "bigint", meaning, "count", window)


BLOCK = Block(
    name="user_sequence",
    key=("user_id",),
    table="outcomes",
    read=_read,
    features=(
        _whole("user_pushes_since_click", "pushes_since_click", "pushes since the newest one clicked, all if none was"),
        _whole("user_outcome_run", "outcome_run", "pushes since the outcome last changed"),
        _whole("user_outcome_run_before", "outcome_run_before", "pushes of the run of equal outcomes before that"),
        *(
            Feature(
                f"user_last_outcome_{place}", f"last_outcome_{place}", "int",
                f"outcome of the user's push number {place}, counted from the newest",
                "0 ignored, 1 clicked, 2 dismissed", REMEMBERED, "fewer pushes ended",
            )
            for place in range(1, LAST_OUTCOMES + 1)
        ),
        _whole("user_recent_clicks", "recent_clicks", "pushes clicked", LAST),
        _whole("user_recent_dismissals", "recent_dismissals", "pushes dismissed", LAST),
        Feature(
            "user_click_pattern", f"coalesce(click_pattern, 0) / {1 << RECENT}D", "double",
            "sum of 1/2 for a click on the newest push, 1/4 for the one before, and so on", "0 to 1", LAST,
        ),
        Feature(
            "user_reaction_s_median", "reaction_ms_middle / 2000D", "double",
            "median time from a send to its click", "seconds", REMEMBERED, "no ended push was clicked",
        ),
        Feature(
            "user_gap_hours_mean", "gap_minutes / nullif(gaps, 0) / 60D", "double",
            "mean time between the user's sends", "hours", REMEMBERED, SEVERAL,
        ),
        Feature(
            "user_gap_hours_spread",
            "sqrt(gaps * gap_minutes_squared - gap_minutes * gap_minutes) / nullif(gaps, 0) / 60D", "double",
            "standard deviation of the time between the user's sends", "hours", REMEMBERED, SEVERAL,
        ),
        *rhythm_features("click", "clicks"),
    ),
    rhythm="click",
    events=_clicks,
)  # fmt: skip
