"""What DuckDB rebuilds beside counts by window: other blocks, and priors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from features.feature import Key
from tests.benchmarks.features.duck import (
    campaigns,
    change_logs,
    click_priors,
    device_kinds,
    events,
    rhythm_priors,
    rhythm_spans,
    sequence,
    user_rhythm,
    variety,
)
from tests.benchmarks.features.duck.midnights import Midnights


@dataclass(frozen=True)
class Block:
    """A query for a block of a key, and a column of it that is never null in the benchmark's logs."""

    query: Callable[[Midnights], str]
    marker: str
    key: Key = ("user_id",)


BLOCKS = {
    "user_variety": Block(variety.push_variety, "user_first_day"),
    "user_app_variety": Block(variety.app_variety, "app_first_day"),
    "user_sequence": Block(sequence.sequence, "outcome_run"),
    "user_app_rhythm": Block(user_rhythm.user_rhythm, "active_days_all"),
    "user_devices": Block(change_logs.user_devices, "user_devices"),
    **{
        name: Block(change_logs.state(name), columns[0], (key,))
        for name, (_, key, columns) in change_logs.STATES.items()
    },
    "campaign_rank": Block(campaigns.campaign_rank, "campaign_rank", ("campaign_id",)),
    "campaign_rhythm": Block(campaigns.campaign_rhythm, "campaign_hour_sends_7d", ("campaign_id",)),
    **{
        name: Block(device_kinds.kind_history(name), f"{kind.prefix}_first_day", kind.key)
        for name, kind in device_kinds.KINDS.items()
    },
    "os_version_rank": Block(device_kinds.os_version_rank, "os_versions_newer", ("platform", "os_version")),
}

PRIORS = {
    **{f"{level}_prior": click_priors.click_prior(level) for level in click_priors.LEVELS},
    **{f"{prefix}_rhythm_priors": rhythm_priors.rhythm_priors(prefix) for prefix in rhythm_priors.EVENTS},
}
"""Queries for the priors; a row a midnight."""


def tables(midnights: Midnights) -> dict[str, str]:
    """Give queries for the tables that histories, blocks and priors read, by name, in the order to make them in."""
    of_many = {"outcomes_in_order": sequence.IN_ORDER, **rhythm_spans.TABLES} if midnights.are_many else {}
    made = midnights.tables | events.TABLES | of_many
    for prefix in rhythm_priors.EVENTS:
        made |= rhythm_priors.tables(prefix)
    return made
