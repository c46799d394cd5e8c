"""Drift of a source: columns that came, went or changed their type since the last ingest."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

Columns = Mapping[str, str]
"""Types by name, as Spark writes them."""


def columns_of(source: DataFrame) -> dict[str, str]:
    """Give the columns of a source and their types."""
    return dict(source.dtypes)


def drift(before: Mapping[str, Columns], now: Mapping[str, Columns]) -> list[str]:
    """Name what differs between the sources of two ingests, a line a column; a table that one lacked is left out.

    >>> for line in drift({"sends": {"id": "string", "score": "float"}}, {"sends": {"id": "int", "title": "string"}}):
    ...     print(line)
    sends: source column 'id' is int, was string
    sends: source column 'score' is gone, was float
    sends: source column 'title' is new, string
    """
    return [
        f"{table}: source column {name!r} is {change}"
        for table in sorted(before.keys() & now.keys())
        for name in sorted(before[table].keys() | now[table].keys())
        if (change := _change(before[table].get(name), now[table].get(name)))
    ]


def _change(was: str | None, now: str | None) -> str:
    if was == now:
        return ""
    if was is None:
        return f"new, {now}"
    return f"gone, was {was}" if now is None else f"{now}, was {was}"
