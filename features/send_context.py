"""When a push is sent, in the user's own time."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import Feature
from features.local_time import zone_of

LOCAL_SEND_AT = "local_send_at"
"""Column of the time of the send in the user's time zone; in UTC where that is not known."""

AT_SEND = "at the send"

CONTEXT = (
    Feature(
        "local_hour", f"hour({LOCAL_SEND_AT})", "int", "hour of the send in the user's time zone", "0 to 23", AT_SEND
    ),
    Feature(
        "local_weekday", f"weekday({LOCAL_SEND_AT}) + 1", "int", "weekday of the send in the user's time zone",
        "1 Monday to 7 Sunday", AT_SEND,
    ),
)  # fmt: skip


def with_local_send_at(rows: DataFrame) -> DataFrame:
    """Add the time of the send in the user's time zone, see ``features.local_time.zone_of``."""
    return rows.withColumn(LOCAL_SEND_AT, F.from_utc_timestamp("send_at", zone_of(rows)))
