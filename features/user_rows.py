"""What users are asked about: the columns of their pushes, of how these ended and of app events that blocks read."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

PUSH_COUNTS = ("sends", "clicks", "dismissals")
PUSHED_LAST = ("last_sent_ms", "last_clicked_ms")
"""What partials count of pushes; and when the last one was."""

OLD_CAMPAIGNS, OLD_CATEGORIES = "old_campaigns", "old_categories"
"""Of what a user was sent pushes in folded days: how many campaigns, and which categories; null in all other rows."""

APP_COUNTS, APP_LAST = ("events", "duration_ms"), ("last_event_ms",)
"""What partials count of app events; and when the last one was."""

FOLDED = ("active_days", "sessions")
"""Sums of days that were folded, see ``features.folding``; null or 0 in all other rows."""

COLUMNS = {
    "pushes": ("event_day", *PUSH_COUNTS, *PUSHED_LAST, "campaign_id", "category", OLD_CAMPAIGNS, OLD_CATEGORIES),
    "outcomes": ("sent_ms", "outcome", "reaction_ms", "category", "hour_of_week"),
    "app_events": ("event_day", "event_name", "hour", "hour_of_week", *APP_COUNTS, *APP_LAST, *FOLDED),
}
"""By field of ``features.feature.History``, beside ``user_id`` and ``known``."""

ABSENT = {
    **dict.fromkeys(("campaign_id", "category"), "string"),
    **dict.fromkeys((*PUSH_COUNTS, *PUSHED_LAST, OLD_CAMPAIGNS, *FOLDED), "bigint"),
    OLD_CATEGORIES: "array<string>",
}
"""Types of columns that some rows lack."""


def user_rows(name: str, table: DataFrame) -> DataFrame:
    """Give the rows of a table that users are asked about.

    Parameters
    ----------
    name : str
        Field of ``features.feature.History`` that the table is.
    table : DataFrame
        Its rows; old days may be folded, see ``features.folding``.

    Returns
    -------
    DataFrame
        ``user_id, known`` (date) and ``COLUMNS``, null where the table has no such column. Of app events ``event_name``
        is null where a row tells only when the app was used, ``hour`` where it tells only how often.
    """
    columns = COLUMNS[name]
    known = F.greatest("ds", "event_day") if "event_day" in columns else F.col("ds")
    given = (
        F.col(column) if column in table.columns else F.lit(None).cast(ABSENT[column]).alias(column)
        for column in columns
    )
    return table.select("user_id", known.alias("known"), *given)


def with_folded(app_events: DataFrame) -> DataFrame:
    """Add ``FOLDED`` to rows that lack them: 0."""
    given = {name: F.col(name) if name in app_events.columns else F.lit(None) for name in FOLDED}
    return app_events.withColumns({name: F.coalesce(of, F.lit(0)).cast("long") for name, of in given.items()})
