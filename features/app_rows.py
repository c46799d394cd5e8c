"""What is known of how users use the app, as rows that several blocks read at once."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

APP_COUNTS, APP_LAST = ("events", "duration_ms"), ("last_event_ms",)
"""What partials count of app events; and when the last one was."""

FOLDED = ("active_days", "sessions")
"""Sums of days that were folded, see ``features.folding``; 0 in all other rows."""


def app_rows(app_events: DataFrame) -> DataFrame:
    """Give the rows that users are asked about.

    Parameters
    ----------
    app_events : DataFrame
        See ``features.partials.app_partials``; old days may be folded, see ``features.folding``.

    Returns
    -------
    DataFrame
        ``user_id, known`` (date), ``event_day, event_name`` (null where a row tells only when the app was used),
        ``hour`` (0 to 23; null where it tells only how often), ``hour_of_week``, ``APP_COUNTS``, ``APP_LAST`` and
        ``FOLDED``.
    """
    known = F.greatest("ds", "event_day").alias("known")
    names = ("event_day", "event_name", "hour", "hour_of_week", *APP_COUNTS, *APP_LAST, *FOLDED)
    return with_folded(app_events).select("user_id", known, *names)


def with_folded(app_events: DataFrame) -> DataFrame:
    """Add ``FOLDED`` to rows that lack them: 0."""
    given = {name: F.col(name) if name in app_events.columns else F.lit(None) for name in FOLDED}
    return app_events.withColumns({name: F.coalesce(of, F.lit(0)).cast("long") for name, of in given.items()})
