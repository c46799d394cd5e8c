"""How often a user left before, and since when, as told by opt-outs and uninstalls; of who came back, too."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import functions as F

from features.feature import Block, Feature, History
from features.known import Known, dates, day_numbers
from features.owner_streams import Question, Told
from features.push_history import days_since
from features.returns import UNINSTALL

COLUMNS = {"user_opt_outs": "bigint", "user_uninstalls": "bigint", "user_last_left_day": "date"}


def _read(history: History) -> Told:
    leavings = history.table("opt_outs").select(
        "user_id", F.col("ds").alias("known"), F.to_date("occurred_at").alias("day"),
        F.col("kind").eqNullSafe(UNINSTALL).alias("is_uninstall"),
    )  # fmt: skip
    return leavings, Question(_left, COLUMNS)


def _left(known: Known) -> dict[str, pa.Array]:
    is_uninstall = known.rows.column("is_uninstall").to_numpy()
    last = known.greatest(day_numbers(known.rows.column("day")))
    counts = (known.where(chosen).lengths for chosen in (~is_uninstall, is_uninstall))
    return dict(zip(COLUMNS, (*map(pa.array, counts), dates(last)), strict=True))


BLOCK = Block(
    name="user_leavings",
    key=("user_id",),
    table="opt_outs",
    read=_read,
    features=(
        *(
            Feature(f"user_{name}_all", f"coalesce(user_{name}, 0)", "bigint", f"{name.replace('_', '-')} of the user",
                    "count", "all time")
            for name in ("opt_outs", "uninstalls")
        ),
        days_since("user_days_since_left", "user_last_left_day", "the user's last opt-out or uninstall"),
    ),
)  # fmt: skip
