"""Comparing feature rows so that a failure says which request, which feature, what was expected and what came."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

Row = dict[str, Any]


def collected(rows: DataFrame, *key: str) -> dict[Any, Row]:
    """Give rows by their key, ``send_at`` in milliseconds since 1970 so that no local clock gets between.

    Parameters
    ----------
    rows : DataFrame
        With ``send_at``.
    key : str
        Columns that name a row; ``send_id`` when none are given.

    Raises
    ------
    AssertionError
        When two rows have the same key.
    """
    found = [row.asDict() for row in rows.withColumn("send_at", F.unix_millis("send_at")).collect()]
    by_key = {key_of(row, *key): row for row in found}
    assert len(by_key) == len(found), "some request has more than one row"
    return by_key


def key_of(row: Row, *key: str) -> Any:
    """Give what names a row."""
    return tuple(row[name] for name in key) if key else row["send_id"]


def in_milliseconds(request: Row) -> Row:
    """Give a request as ``collected`` gives it."""
    return {**request, "send_at": round(request["send_at"].timestamp() * 1000)}


def differences(found: Mapping[Any, Row], expected: Mapping[Any, Row], *, tolerance: float = 1e-9) -> str:
    """Say where two sets of rows differ, a line a value, the first lines only; empty when they do not."""
    lines = [f"{name}: only on one side" for name in sorted(found.keys() ^ expected.keys(), key=str)]
    for name in sorted(found.keys() & expected.keys(), key=str):
        lines += _row_differences(found[name], expected[name], tolerance)
    shown = lines[:30]
    return "\n".join([*shown, f"... {len(lines) - len(shown)} more"] if len(lines) > len(shown) else shown)


def _row_differences(found: Row, expected: Row, tolerance: float) -> list[str]:
    who = " ".join(str(found.get(name)) for name in ("send_id", "user_id", "device_id", "campaign_id", "as_of"))
    return [
        f"{who}: {name}: expected {expected.get(name, 'no such column')!r}, got {found.get(name, 'no such column')!r}"
        for name in sorted(found.keys() | expected.keys())
        if name not in found or name not in expected or not _equal(found[name], expected[name], tolerance)
    ]


def _equal(found: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(found, float) and isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=tolerance, abs_tol=0.0)
    return type(found) is type(expected) and found == expected
