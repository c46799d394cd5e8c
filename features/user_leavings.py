"""How often a user left before, and since when, as told by opt-outs and uninstalls; of who came back, too."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import Block, Feature, History
from features.push_history import days_since
from features.returns import UNINSTALL


def _read(keys: DataFrame, history: History) -> DataFrame:
    left = history.table("opt_outs").select("user_id", "ds", "occurred_at", "kind")
    known = keys.join(left, "user_id", how="inner").where(F.col("ds") < F.col("as_of"))
    return known.groupBy(*keys.columns).agg(
        F.count_if(F.col("kind") != UNINSTALL).alias("user_opt_outs"),
        F.count_if(F.col("kind") == UNINSTALL).alias("user_uninstalls"),
        F.max(F.to_date("occurred_at")).alias("user_last_left_day"),
    )


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
