"""Sorting the rows of a source: which are new, which break the contract, which are not known yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.contract import TABLES
from features.validation import REASON, with_known_day, with_types
from jobs.errors import BadInput
from jobs.ingest_counts import NOT_YET_KNOWN, QUARANTINED, Counts
from jobs.lake import days_between
from jobs.mapping import Mapping as LogMapping
from jobs.source import RAW_ROW, mapped, session_zone

NEW, EARLIER, UNDATED = "new", "earlier", "undated"
"""What a row is before it is settled; an undated one is rejected, and no clock of it tells when it became known."""

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scope:
    """The days that a run of ingest writes.

    Parameters
    ----------
    first, last : date
        Days known, both included; ``last`` is ``ds``.
    opening : bool
        Whether nothing was ingested before: then all that was known earlier goes to the day before ``first``, where
        every later midnight sees it.
    """

    first: date
    last: date
    opening: bool

    @property
    def start(self) -> date:
        """First partition that is written."""
        return self.first - ONE_DAY if self.opening else self.first

    @property
    def days(self) -> list[date]:
        """All partitions that are written."""
        return days_between(self.start, self.last)


def typed_rows(mapping: LogMapping, table: str, raw: DataFrame, root: str, latest: date) -> DataFrame:
    """Give the rows of one contract table from its source, typed, with ``reason``, ``raw_row`` and ``ds``.

    ``ds`` is the day known: null where no clock tells it, see ``features.validation.with_known_day``.
    """
    contract = TABLES[table]
    with session_zone(raw.sparkSession, mapping.time.zone):
        typed = with_types(mapped(raw, mapping, table, root), contract, [RAW_ROW])
    dated = with_known_day(typed, contract, mapping.time.rules(), latest=latest)
    raw_row = F.when(F.col(REASON).isNotNull(), F.to_json(RAW_ROW)).alias(RAW_ROW)
    return dated.select(*contract.column_names, REASON, raw_row, "ds")


def with_status(typed: DataFrame, scope: Scope) -> DataFrame:
    """Add ``status`` and settle ``ds``: undated rows belong to the day of the run."""
    last = F.lit(scope.last)
    day = F.greatest("ds", F.lit(scope.start)) if scope.opening else F.col("ds")
    status = (
        F.when(F.col("ds").isNull(), F.lit(UNDATED))
        .when(day > last, F.lit(NOT_YET_KNOWN))
        .when(day < F.lit(scope.start), F.lit(EARLIER))
        .when(F.col(REASON).isNotNull(), F.lit(QUARANTINED))
        .otherwise(F.lit(NEW))
    )
    settled = F.when(F.col("ds").isNull(), last).otherwise(F.least(day, last))
    return typed.withColumn("status", status).withColumn("ds", settled)


def scope_of(sends: DataFrame, ds: date, ingested: list[date], source: str, stale: Collection[date] = ()) -> Scope:
    """Find the days to ingest: since the last one that was, or all of them.

    Parameters
    ----------
    sends : DataFrame
        What ``typed_rows`` gives.
    ds : date
        The day to process.
    ingested : list of date
        Days that were ingested before.
    source : str
        Where the rows are from.
    stale : collection of date
        Days that are to be ingested again, which is done if the source has rows of all of them.

    Raises
    ------
    BadInput
        When the source has no rows, no row that keeps the contract, or none that became known on ``ds``.
    """
    counts = Counter({(row["ds"], row[REASON]): row["count"] for row in sends.groupBy("ds", REASON).count().collect()})
    total = sum(counts.values())
    if total == 0:
        raise BadInput(f"sends: expected rows in {source}, it has none")
    good = sorted(day for day, reason in counts if reason is None)
    if not good:
        reasons = ", ".join(f"{reason} {n}" for reason, n in _by_reason(counts).most_common())
        raise BadInput(f"sends: none of the {total} rows in {source} keeps the contract: {reasons}")
    if ds not in good:
        raise BadInput(
            f"sends: no row in {source} became known on {ds}; its rows are known from {good[0]} to {good[-1]}"
        )
    before = [day for day in ingested if day < ds]
    first = min(before[-1] + ONE_DAY, ds) if before else good[0]
    if stale and set(stale) <= set(good):
        first = min(first, *stale)
    return Scope(first=first, last=ds, opening=not before)


def _by_reason(counts: Counter[tuple[date, str | None]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for (_, reason), n in counts.items():
        if reason is not None:
            total[reason] += n
    return total


def check_bad_share(table: str, rows: DataFrame, by_day: Mapping[date, Counts], limit: float) -> None:
    """Stop before anything is written when too many rows of a table break the contract.

    Raises
    ------
    BadInput
        When the share of quarantined rows among those that are known is above ``limit``.
    """
    total: Counter[str] = Counter()
    for of_day in by_day.values():
        total.update(of_day)
    seen = total.total() - total[NOT_YET_KNOWN]
    if seen and total[QUARANTINED] / seen > limit:
        found = rows.where(F.col("status") == QUARANTINED).groupBy(REASON).count().collect()
        named = ", ".join(f"{row[REASON]} {row['count']}" for row in sorted(found, key=lambda row: -row["count"]))
        raise BadInput(
            f"{table}: {total[QUARANTINED]} of {seen} rows break the contract, limit is {limit:.0%}: {named}"
        )
