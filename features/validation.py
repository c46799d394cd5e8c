"""Which rows break the contract, and why: each rule has a name, and the first one broken is the row's reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import available_timezones

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.contract import RANGES, WORDS, Table
from features.time_rules import TimeRules, known_day

REASON = "reason"
MAPPED = "mapped_"


def with_types(mapped: DataFrame, table: Table, carried: Sequence[str] = ()) -> DataFrame:
    """Cast columns to the contract's types and add ``reason``, null for a row that keeps the contract.

    Parameters
    ----------
    mapped : DataFrame
        One column ``mapped_NAME`` of any type for each column of the table that the log has.
    table : Table
        The contract.
    carried : sequence of str
        Further columns to keep as they are.

    Returns
    -------
    DataFrame
        The contract's columns (null where the log has none), ``reason`` and the carried columns.
    """
    given = set(mapped.columns)
    typed = [
        F.col(MAPPED + column.name).try_cast(column.type).alias(column.name)
        if MAPPED + column.name in given
        else F.lit(None).cast(column.type).alias(column.name)
        for column in table.columns
    ]
    source = [F.col(MAPPED + name) for name in table.column_names if MAPPED + name in given]
    frame = mapped.select(*typed, *source, *carried)
    cast = [c.name for c in table.columns if MAPPED + c.name in given and not _is(mapped, MAPPED + c.name, c.type)]
    return frame.withColumn(REASON, _first_reason(table, cast)).select(*table.column_names, REASON, *carried)


def with_known_day(typed: DataFrame, table: Table, rules: TimeRules, *, latest: date) -> DataFrame:
    """Add ``ds``, the day a row became known, and reject what is known later than any log can be.

    Parameters
    ----------
    typed : DataFrame
        What ``with_types`` gives.
    table : Table
        The contract.
    rules : TimeRules
        When a row is known.
    latest : date
        A clock that shows a later day is wrong; a row that otherwise keeps the contract is ``in_the_future``.

    Returns
    -------
    DataFrame
        With ``ds``: of a row that happened after it was ingested, the day it was ingested. Where a clock is wrong or
        unreadable the other one tells the day; null when both are.
    """
    happened, ingested = F.col(table.event_time), F.col(table.known_time)
    known = known_day(F.least(happened, ingested), ingested, rules)
    ahead = known > F.lit(latest)
    reason = F.coalesce(REASON, F.when(ahead, F.lit("in_the_future")))
    happened_on = F.when(F.to_date(happened) <= F.lit(latest), F.to_date(happened))
    return typed.withColumns({REASON: reason, "ds": F.when(ahead, happened_on).otherwise(known)})


def _is(frame: DataFrame, name: str, type_name: str) -> bool:
    return frame.schema[name].dataType.simpleString() == type_name


def _first_reason(table: Table, cast: Sequence[str]) -> Column:
    rules = [*_type_rules(cast), *_missing_rules(table), *_range_rules(table)]
    return F.coalesce(*(F.when(broken, F.lit(name)) for name, broken in rules))


def _type_rules(names: Sequence[str]) -> list[tuple[str, Column]]:
    """Rules for columns whose type differs from the contract's: something was there, and nothing came of it."""

    def lost(name: str) -> Column:
        mapped = F.col(MAPPED + name)
        return F.col(name).isNull() & mapped.isNotNull() & (F.trim(mapped.cast("string")) != "")

    return [(f"bad_{name}", lost(name)) for name in names]


def _missing_rules(table: Table) -> list[tuple[str, Column]]:
    def missing(name: str, kind: str) -> Column:
        value = F.col(name)
        return value.isNull() | (F.trim(value) == "") if kind == "string" else value.isNull()

    return [(f"missing_{c.name}", missing(c.name, c.type)) for c in table.columns if c.required]


def _range_rules(table: Table) -> list[tuple[str, Column]]:
    rules = []
    if table.known_time != table.event_time:
        rules.append(("known_before_it_happened", F.col(table.known_time) < F.col(table.event_time)))
    for name in table.column_names:
        if name in WORDS:
            rules.append((f"unknown_{name}", ~F.col(name).isin(*WORDS[name])))
        if name in RANGES:  # NaN is in none
            rules.append((f"{name}_out_of_range", ~F.col(name).between(*RANGES[name])))
    if "timezone" in table.column_names:
        rules.append(("unknown_timezone", ~F.col("timezone").isin(*sorted(available_timezones()))))
    return rules
