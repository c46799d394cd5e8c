"""When a push is sent, in the user's own time."""

from __future__ import annotations

from features.feature import Feature

_LOCAL = "from_utc_timestamp(send_at, coalesce(timezone, 'UTC'))"


def context_features(*, with_timezone: bool) -> tuple[Feature, ...]:
    """Hour and weekday of the send; in UTC for users without a known time zone, and in logs without users."""
    local = _LOCAL if with_timezone else "send_at"
    at_send = "at the send"
    return (
        Feature("local_hour", f"hour({local})", "int", "hour of the send in the user's time zone", "0 to 23", at_send),
        Feature(
            "local_weekday",
            f"weekday({local}) + 1",
            "int",
            "weekday of the send in the user's time zone",
            "1 Monday to 7 Sunday",
            at_send,
        ),
    )
