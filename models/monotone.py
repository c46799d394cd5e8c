"""Directions in which a column may move a probability, for LightGBM's families."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from models.family import UnknownColumn
from models.serving.encoder import RowEncoder


def monotone(rising: tuple[str, ...], falling: tuple[str, ...], encoder: RowEncoder) -> dict[str, Any]:
    """Give LightGBM's parameters for columns of which more never makes a click less likely, or more likely.

    Parameters
    ----------
    rising, falling : tuple of str
        Numeric columns, or patterns with ``*``.
    encoder : RowEncoder
        What names the columns.

    Raises
    ------
    UnknownColumn
        When a column is not there, is not numeric, or would have to rise and fall.
    """
    if not rising and not falling:
        return {}
    up, down = (
        set(_named(side, patterns, encoder.numeric)) for side, patterns in (("rising", rising), ("falling", falling))
    )
    if up & down:
        raise UnknownColumn(f"rising and falling: expected each column in one of both, got {min(up & down)!r} in both")
    signs = [(name in up) - (name in down) for name in encoder.columns]
    return {"monotone_constraints": signs, "monotone_constraints_method": "intermediate"}


def _named(side: str, patterns: tuple[str, ...], columns: tuple[str, ...]) -> Iterator[str]:
    for pattern in patterns:
        found = [name for name in columns if fnmatchcase(name, pattern)]
        if not found:
            raise UnknownColumn(f"{side}: expected the name or pattern of a numeric column, got {pattern!r}")
        yield from found
