"""Who a user is, as last known."""

from __future__ import annotations

from features.change_logs import change_reader
from features.feature import Block, Feature

UNKNOWN_USER = "unknown user, or not given"
NEW_DAYS = 7

BLOCK = Block(
    name="user_profile",
    key=("user_id",),
    table="users",
    read=change_reader("users", key="user_id", columns=("signed_up_at", "country", "language", "timezone")),
    features=(
        Feature(
            "user_tenure_days",
            "(unix_millis(cast(as_of as timestamp)) - unix_millis(signed_up_at)) / 86400000D",
            "double",
            "days since the user signed up",
            "days",
            null_meaning=UNKNOWN_USER,
        ),
        Feature(
            "user_is_new", f"cast(signed_up_at >= cast(date_sub(as_of, {NEW_DAYS}) as timestamp) as int)", "int",
            f"1 when the user signed up in the last {NEW_DAYS} days", "0 or 1", null_meaning=UNKNOWN_USER,
        ),
        Feature("country", "country", "string", "country of the user", "category", null_meaning=UNKNOWN_USER),
        Feature("language", "language", "string", "language of the user", "category", null_meaning=UNKNOWN_USER),
    ),
)  # fmt: skip
