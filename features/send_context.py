"""When a push is sent, in the user's own time."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import Feature
from features.local_time import zone_of

LOCAL_HOUR, LOCAL_WEEKDAY = "local_send_hour", "local_send_weekday"
"""The send's hour, 0 to 23, and its weekday, 0 Monday to 6, in the user's time zone; UTC where it is not known."""

AT_SEND = "at the send"

CONTEXT = (
    Feature("local_hour", LOCAL_HOUR, "int", "hour of the send in the user's time zone", "0 to 23", AT_SEND),
    Feature(
        "local_weekday", f"{LOCAL_WEEKDAY} + 1", "int", "weekday of the send in the user's time zone",
        "1 Monday to 7 Sunday", AT_SEND,
    ),
)  # fmt: skip


def with_local_send_time(rows: DataFrame) -> DataFrame:
    """Add hour and weekday of the send in the user's time zone, see ``features.local_time.zone_of``."""
    local = F.from_utc_timestamp("send_at", zone_of(rows))
    return rows.withColumns({LOCAL_HOUR: F.hour(local), LOCAL_WEEKDAY: F.weekday(local)})
