"""What DuckDB rebuilds beside counts by window, by the product's name of the block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from tests.benchmarks.features.duck import click_priors, events, rhythm_priors, rhythm_spans, sequence, user_rhythm
from tests.benchmarks.features.duck.midnights import Midnights


@dataclass(frozen=True)
class Block:
    """A query for a block of users, and a column of it that is never null."""

    query: Callable[[Midnights], str]
    marker: str


BLOCKS = {
    "user_sequence": Block(sequence.sequence, "outcome_run"),
    "user_app_rhythm": Block(user_rhythm.user_rhythm, "active_days_all"),
}


PRIORS = {
    **{f"{level}_prior": click_priors.click_prior(level) for level in click_priors.LEVELS},
    **{f"{prefix}_rhythm_priors": rhythm_priors.rhythm_priors(prefix) for prefix in rhythm_priors.EVENTS},
}
"""Queries for the priors; a row a midnight."""


def make_tables(connection: duckdb.DuckDBPyConnection, midnights: Midnights) -> None:
    """Make the tables that histories, blocks and priors read, from views of the raw ones."""
    of_many = (sequence.IN_ORDER, *rhythm_spans.TABLES) if midnights.are_many else ()
    of_priors = [table for prefix in rhythm_priors.EVENTS for table in rhythm_priors.tables(prefix)]
    for table in (*midnights.tables, *events.TABLES, *of_many, *of_priors):
        connection.execute(table)
