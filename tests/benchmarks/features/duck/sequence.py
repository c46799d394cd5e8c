"""The user's pushes in their order, by DuckDB: what ``features.push_sequence`` reads."""

from __future__ import annotations

from features.known_sequences import CATEGORY_COLUMNS, LAST_OUTCOMES, MS_PER_MINUTE, RECENT
from features.outcomes import CLICKED, DISMISSED
from features.windows import MEMORY_DAYS
from tests.benchmarks.features.duck.midnights import Midnights
from tests.benchmarks.features.duck.rhythm import LOCAL, counts_by_bin, no_counts

NEWEST_FIRST = "sent_ms DESC, outcome DESC, reaction_ms DESC NULLS LAST, category DESC NULLS LAST"

IN_ORDER = f"""
    SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY {NEWEST_FIRST}) AS place FROM outcomes"""
"""For many midnights: what is sorted once is sorted by one number for each request."""


def sequence(midnights: Midnights) -> str:
    """Give SQL for ``SEQUENCE_COLUMNS`` and ``CATEGORY_COLUMNS`` of ``features.known_sequences``, and click rhythms."""
    outcomes = ", ".join(f"newest[{place}] AS last_outcome_{place}" for place in range(1, LAST_OUTCOMES + 1))
    categories = ", ".join(f"categories[{place}] AS {name}" for place, name in enumerate(CATEGORY_COLUMNS, 1))
    return midnights.named(f"""
        WITH pushes_of AS ({_pushes(midnights)}), clicks_of AS ({_clicks(midnights)})
        SELECT {midnights.per}, pushes_since_click, coalesce(ends[1], pushes) AS outcome_run,
               coalesce(ends[2], pushes) - coalesce(ends[1], pushes) AS outcome_run_before, {outcomes},
               recent_clicks, recent_dismissals, click_pattern, reaction_ms_middle,
               pushes - 1 AS gaps, gap_minutes, gap_minutes_squared, {categories}, {no_counts("click")}
        FROM pushes_of LEFT JOIN clicks_of USING ({midnights.per})""")


def _pushes(midnights: Midnights) -> str:
    """Number pushes from the newest one, and sum them up; a run ends where the outcome before it is another."""
    per, is_recent, is_click = midnights.per, f"age < {RECENT}", f"outcome = {CLICKED}"
    pattern = f"sum({1 << RECENT - 1} >> age) FILTER ({is_click} AND {is_recent})"
    source, order = ("outcomes_in_order", "place") if midnights.are_many else ("outcomes", NEWEST_FIRST)
    return f"""
        WITH ordered AS (
            SELECT {per}, outcome, row_number() OVER newest_first - 1 AS age,
                   outcome <> lag(outcome) OVER newest_first AS is_end,
                   (sent_ms - lead(sent_ms) OVER newest_first) // {MS_PER_MINUTE} AS gap
            FROM {midnights.rows(source)} WHERE {midnights.known(MEMORY_DAYS)}
            WINDOW newest_first AS (PARTITION BY {per} ORDER BY {order})
        )
        SELECT {per}, count(*) AS pushes, coalesce(min(age) FILTER ({is_click}), count(*)) AS pushes_since_click,
               min_by(age, age, 2) FILTER (is_end) AS ends, min_by(outcome, age, {LAST_OUTCOMES}) AS newest,
               count_if({is_click} AND {is_recent}) AS recent_clicks,
               count_if(outcome = {DISMISSED} AND {is_recent}) AS recent_dismissals,
               CAST(coalesce({pattern}, 0) AS BIGINT) AS click_pattern,
               CAST(coalesce(sum(gap), 0) AS BIGINT) AS gap_minutes,
               CAST(coalesce(sum(gap * gap), 0) AS BIGINT) AS gap_minutes_squared
        FROM ordered GROUP BY {per}"""


def _clicks(midnights: Midnights) -> str:
    return f"""
        SELECT {midnights.per}, CAST(2 * median(reaction_ms) AS BIGINT) AS reaction_ms_middle,
               list(category ORDER BY {NEWEST_FIRST}) AS categories, {counts_by_bin("click")}
        FROM {midnights.rows(f"(SELECT *, {LOCAL} FROM outcomes) AS outcomes")}
        WHERE {midnights.known(MEMORY_DAYS)} AND outcome = {CLICKED} GROUP BY {midnights.per}"""
