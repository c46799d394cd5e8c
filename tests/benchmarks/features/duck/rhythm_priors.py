"""Priors of rhythms, by DuckDB: what ``features.rhythm_priors`` fits, as of each of the table ``midnights``.

The pairs of events in one bin are told by how they grow; those of one in a bin and one anywhere, by the number of the
user's events beside each event: neither needs a row for each user, bin and midnight.
"""

from __future__ import annotations

from features.local_time import HOURS, WEEKDAYS
from features.outcomes import CLICKED
from features.priors import STRENGTH_RANGE
from features.rhythm import prior_names
from features.windows import MEMORY_DAYS
from tests.benchmarks.features.duck.rhythm import LOCAL

EVENTS = {
    "click": f"SELECT user_id, known, hour_of_week FROM outcomes WHERE outcome = {CLICKED}",
    "session": """SELECT user_id, known, hour_of_week FROM app_hours
                  QUALIFY (hour - lag(hour) OVER (PARTITION BY user_id, known ORDER BY hour) = 1) IS NOT TRUE""",
}
"""Of hours that follow each other and became known on the same day, the first one counts."""

BINS = {"hours": ("local_hour", HOURS), "weekdays": ("weekday", WEEKDAYS)}

IS_KNOWN = f"known < as_of AND known >= as_of - {MEMORY_DAYS}"


def tables(prefix: str) -> dict[str, str]:
    """Give queries for what the priors of a rhythm are fitted on, by name."""
    return {
        f"{prefix}_events": f"SELECT *, {LOCAL} FROM ({EVENTS[prefix]})",
        f"{prefix}_pairs": f"""
            WITH of_user AS (
                SELECT user_id, as_of, count(*) - 1 AS others FROM {prefix}_events JOIN midnights ON {IS_KNOWN}
                GROUP BY user_id, as_of
            )
            SELECT as_of, local_hour, weekday, count(*) AS events, sum(others) AS mixed_pairs
            FROM {prefix}_events JOIN of_user USING (user_id) WHERE {IS_KNOWN} GROUP BY as_of, local_hour, weekday""",
    }


def rhythm_priors(prefix: str) -> str:
    """Give SQL for the priors of a rhythm, by midnight."""
    hours, weekdays = (f"({_fitted(prefix, part)})" for part in BINS)
    return f"SELECT * FROM {hours} LEFT JOIN {weekdays} USING (as_of)"


def _fitted(prefix: str, part: str) -> str:
    """Give shares and strength of the bins of the day or of the week."""
    (column, bins), (shares, strength), (low, high) = BINS[part], prior_names(f"{prefix}_{part}"), STRENGTH_RANGE
    return f"""
        WITH same AS ({_same_pairs(prefix, column)}), mixed AS (
            SELECT as_of, {column} AS bin, sum(events) AS events, sum(mixed_pairs) AS mixed_pairs
            FROM {prefix}_pairs GROUP BY as_of, {column}
        ), dense AS (
            SELECT as_of, bin, coalesce(events, 0) AS events, coalesce(mixed_pairs, 0) AS mixed_pairs
            FROM midnights CROSS JOIN (SELECT unnest(range({bins})) AS bin) AS bins LEFT JOIN mixed USING (as_of, bin)
        ), total AS (
            SELECT as_of, sum(events) AS events, sum(mixed_pairs) AS pairs, list(events ORDER BY bin) AS of_bins,
                   sum(pow(mixed_pairs, 2)) / pow(sum(mixed_pairs), 2) AS chance
            FROM dense GROUP BY as_of
        ), alike AS (SELECT *, same_pairs / pairs AS alike FROM total JOIN same USING (as_of))
        SELECT as_of, list_transform(of_bins, lambda n: n / events) AS {shares},
               CASE WHEN alike > chance THEN least({high}, greatest({low}, (1 - alike) / (alike - chance)))
                    ELSE {high} END AS {strength}
        FROM alike"""


def _same_pairs(prefix: str, column: str) -> str:
    """Give pairs of events in one bin by midnight: from its day on an event counts, until it is forgotten."""
    return f"""
        WITH span AS (SELECT min(as_of) AS first, max(as_of) AS last FROM midnights), steps AS (
            SELECT user_id, {column}, greatest(known + 1, first) AS day, 1 AS step FROM {prefix}_events, span
            WHERE known < last AND known >= first - {MEMORY_DAYS}
            UNION ALL
            SELECT user_id, {column}, known + {MEMORY_DAYS + 1}, -1 FROM {prefix}_events, span
            WHERE known >= first - {MEMORY_DAYS} AND known < last - {MEMORY_DAYS}
        ), daily AS (
            SELECT user_id, {column}, day, CAST(sum(step) AS BIGINT) AS step FROM steps GROUP BY user_id, {column}, day
        ), running AS (
            SELECT day, step, CAST(sum(step) OVER (PARTITION BY user_id, {column} ORDER BY day) AS BIGINT) AS n
            FROM daily
        ), grown AS (SELECT day, sum(n * (n - 1) - (n - step) * (n - step - 1)) AS pairs FROM running GROUP BY day)
        SELECT as_of, sum(pairs) AS same_pairs FROM midnights JOIN grown ON day <= as_of GROUP BY as_of"""
