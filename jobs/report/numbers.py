"""Figures as a person reads them: few digits, a unit, a dash where there is none."""

from __future__ import annotations

import math

NONE = "\N{EN DASH}"
GAP = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}\N{NO-BREAK SPACE}"

TINY = 5e-5
"""Below it a number is written as a power of ten."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def significant(value: float | None, digits: int = 3) -> str:
    """Round to significant digits; very small numbers as a power of ten.

    >>> significant(1234.5), significant(0.012345), significant(25.0)
    ('1,234', '0.0123', '25')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if 0 < abs(value) < TINY:
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        return _signed(f"{mantissa.rstrip('0').rstrip('.')}{TIMES}10{str(int(power)).translate(SUPERSCRIPTS)}")
    places = 0 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return _signed(text.rstrip("0").rstrip(".") if "." in text else text)


def fixed(value: float | None, places: int = 4) -> str:
    """Round to a number of decimal places, the same in a whole column.

    >>> fixed(0.73612, 3), fixed(2, 3)
    ('0.736', '2.000')
    """
    return NONE if value is None or not math.isfinite(value) else _signed(f"{value:,.{places}f}")


def interval(bounds: tuple[float | None, float | None] | None, places: int = 3) -> str:
    """Write an interval.

    >>> interval((0.7261, 0.7468))
    '0.726 to 0.747'
    """
    if bounds is None or None in bounds:
        return NONE
    return f"{fixed(bounds[0], places)} to {fixed(bounds[1], places)}"


def count(value: float | None) -> str:
    """Write a whole number with thousands apart.

    >>> count(40516)
    '40,516'
    """
    return NONE if value is None else f"{value:,.0f}"


def percent(value: float | None, digits: int = 3) -> str:
    """Write a share between 0 and 1 in per cent, rounded to significant digits."""
    return NONE if value is None else f"{significant(100 * value, digits)}{GAP}%"


def percent_column(value: float | None) -> str:
    """Write a share between 0 and 1 in per cent, with one decimal place in a whole column."""
    return NONE if value is None else f"{fixed(100 * value, 1)}{GAP}%"


def size(value: float | None) -> str:
    """Write bytes in decimal units."""
    return _scaled(value, 1000, ("B", "kB", "MB", "GB"))


def micros(value: float | None) -> str:
    """Write microseconds, or the larger unit that fits."""
    return _scaled(value, 1000, ("µs", "ms", "s"))


def _scaled(value: float | None, step: int, units: tuple[str, ...]) -> str:
    if value is None or not math.isfinite(value):
        return NONE
    last = len(units) - 1
    power = next((i for i in range(last) if abs(value) < step ** (i + 1) * 0.9995), last)
    return f"{significant(value / step**power)}{GAP}{units[power]}"


def _signed(text: str) -> str:
    return text.replace("-", MINUS)
