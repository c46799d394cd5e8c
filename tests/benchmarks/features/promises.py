"""What the project promises of its features, and whether a run keeps it."""

from __future__ import annotations

NIGHT_BY_LENGTH = 1.2
"""A night with a year behind it, in nights with 95 days behind them."""

PROMISED_SENDS = 20_000_000
"""The size of a log that all else is promised at."""

NIGHT_BY_REBUILD = {"DuckDB": 0.6, "Spark SQL": 0.2}
"""A night, in rebuilds from all events."""

DUCKDB, SECONDS_A_ROW, GIB = 3.0, 1.1, 5.0
"""A rebuild and the rows of 28 days, in DuckDB's; seconds a row, in those at 5 million sends; memory of the rows."""


def verdict(what: str, found: float, most: float, sends: int = PROMISED_SENDS) -> str:
    """Hold a figure, found with a log of so many sends, to what is promised of it."""
    elsewhere = "" if sends >= PROMISED_SENDS else f" of {PROMISED_SENDS / 1e6:.0f} million sends"
    return f"{what}: {found:.2f}, at most {most} promised{elsewhere}: {'kept' if found <= most else 'MISSED'}"
