"""When a push is sent, in the user's own time."""

from __future__ import annotations

from dataclasses import replace

from features.feature import Feature

LOCAL_SEND_AT = "local_send_at"
"""Stands in expressions for the time of the send in the user's time zone; UTC where that is not known."""

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


def in_local_time(feature: Feature, *, with_timezone: bool) -> Feature:
    """Put the local time of the send into a feature's expression; logs without users have no time zones."""
    local = "from_utc_timestamp(send_at, coalesce(timezone, 'UTC'))" if with_timezone else "send_at"
    return replace(feature, expression=feature.expression.replace(LOCAL_SEND_AT, local))
