"""Corrections: a day that is ingested again and differs from what it was makes stale what was made after it.

Partials and requests from that day on are dropped, so that aggregate_day and build_features make them again.
Duplicates, clicks and their sends reach over days too: later days are marked until they were ingested again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.carried import PUSHES
from jobs.cli import say
from jobs.errors import BadInput
from jobs.ingest_counts import COUNTS
from jobs.intake import Scope
from jobs.lake import Lake
from jobs.side_by_side import side_by_side

STALE = "stale"
"""JSON artefact by corrected day: the later days that are to be ingested again."""

MADE_BY_DAY = (PUSHES, "requests")
"""Tables whose days tell the jobs after ingest what is done."""


def stale_days(lake: Lake, until: date | None = None) -> list[date]:
    """Days that were ingested before an earlier one was corrected, sorted."""
    marked = {date.fromisoformat(day) for of in lake.json_days(STALE) for day in lake.get_json(STALE, of)}
    return sorted(day for day in marked if until is None or day <= until)


def mark_corrected(lake: Lake, frames: Mapping[str, DataFrame], scope: Scope) -> None:
    """Mark what is stale once days are written again; before they are, so that a killed run can be run again.

    Parameters
    ----------
    lake : Lake
        Where the days are.
    frames : mapping of str to DataFrame
        What is about to be written of the tables that later jobs read, with ``ds``.
    scope : Scope
        The days.

    Raises
    ------
    BadInput
        When days differ from what they were, and sends of a later one were pruned: it could not be made again.
    """
    made = [day for day in lake.days(COUNTS) if day >= scope.start]
    if not made or not any(side_by_side(lambda table: _differs(lake, table, frames[table], scope), frames)):
        return
    there = set(lake.days("sends"))
    pruned = [day for day in made if day not in there]
    if pruned:
        raise BadInput(
            f"{scope.start} differs from what it was, and the sends of {pruned[0]} to {pruned[-1]}, which would have "
            f"to be counted again, were pruned from {lake.root}: it is too old to be corrected"
        )
    later = [day for day in _days_with_sends(lake, scope.start) if day > scope.last]
    if later:
        lake.put_json(STALE, scope.start, [str(day) for day in later])
    for table in MADE_BY_DAY:
        lake.keep(table, [day for day in lake.days(table) if day < scope.start])


def settle_ingested(lake: Lake, scope: Scope) -> None:
    """Take the days that were just ingested off the marks, and say what is left to do."""
    for corrected in lake.json_days(STALE):
        marked = lake.get_json(STALE, corrected)
        left = [day for day in marked if not scope.start <= date.fromisoformat(day) <= scope.last]
        if left != marked:
            lake.put_json(STALE, corrected, left)
    tell_stale(lake)


def tell_stale(lake: Lake) -> None:
    """Say which days must be ingested again, and what then; nothing when none must."""
    days = stale_days(lake)
    if days:
        say(
            f"an earlier day was corrected: run ingest_logs again for {days[0]} to {days[-1]} (--ds {days[-1]} takes "
            "them all where the source has them, else day by day), "
            f"then aggregate_day and build_features --ds {lake.days(COUNTS)[-1]}"
        )


def _differs(lake: Lake, table: str, rows: DataFrame, scope: Scope) -> bool:
    if not any(scope.start <= day <= scope.last for day in lake.days(table)):
        return not rows.isEmpty()
    before = lake.read(table, since=scope.start, until=scope.last)
    names = sorted(rows.columns)
    return sorted(before.columns) != names or _fingerprint(before, names) != _fingerprint(rows, names)


def _fingerprint(rows: DataFrame, names: list[str]) -> object:
    """Give what equal rows in any order have alike."""
    row = F.to_json(F.struct(*names))
    hashes = F.sum(F.xxhash64(row).cast("decimal(38, 0)"))
    return rows.agg(F.count("*"), hashes).first()


def _days_with_sends(lake: Lake, since: date) -> list[date]:
    """Days whose sends a source can have, though all of them may have been duplicates."""
    counts = lake.read(COUNTS, since=since).where("table = 'sends' AND accepted + duplicates + forgotten > 0")
    return sorted(row["ds"] for row in counts.select("ds").distinct().collect())
