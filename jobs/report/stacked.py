"""Pictures of rows below each other that share one axis: bars, or ranges with a dot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.report import numbers
from jobs.report.axes import Axis, linear_axis
from jobs.report.charts import BAR, RANGE, RIGHT, Chart, Label, Limit, Line, Mark, polyline, shorten

MOST = 12
"""Rows of one picture; tables have the others."""

FIRST, TITLE, STEP, GAP = 14, 19, 13, 7
"""Top of the first row, and heights: of a row's title, of each thing in it, and between rows."""

START = 12
"""Where the axis of ranges begins."""

NUMBERS = 24
"""Room for numbers before bars."""


@dataclass(frozen=True)
class Stretch:
    """From one value to another. Without ``dot`` it is a bar that begins where the axis does.

    Parameters
    ----------
    low, high : float
        Its ends.
    kind, tip, text, series
        See ``jobs.report.charts.Mark``.
    dot : float, optional
        The value between them that counts most.
    ticks : tuple of float
        Other values of note.
    """

    low: float
    high: float
    kind: str
    tip: str
    text: str = ""
    series: str = ""
    dot: float | None = None
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Row:
    """A title with stretches below it."""

    title: str
    stretches: tuple[Stretch, ...]


def held_against(rows: Sequence[Row], value: float, *, name: str, title: str, x_title: str) -> Chart | None:
    """Draw ranges on an even axis beside a value that all are held against; null without any. See `stacked`."""
    ends = [end for row in rows for one in row.stretches for end in (one.low, one.high)]
    axis = linear_axis([*ends, value], START, RIGHT)
    return stacked(rows, axis, name=name, title=title, x_title=x_title, text=numbers.significant, line_at=value)


def stacked(
    rows: Sequence[Row],
    axis: Axis,
    *,
    name: str,
    title: str,
    x_title: str,
    text: Callable[[float | None], str],
    line_at: float | None = None,
    limit: float | None = None,
) -> Chart | None:
    """Draw rows; null without any.

    Parameters
    ----------
    rows : sequence of Row
        Topmost first.
    axis : Axis
        Along x, for all of them.
    name, title, x_title : str
        See ``jobs.report.charts.Chart``.
    text : callable
        Writes values of the axis.
    line_at : float, optional
        The value that all are held against.
    limit : float, optional
        What a gate allows.
    """
    if not rows:
        return None
    tops = [FIRST]
    for row in rows:
        tops.append(tops[-1] + TITLE + STEP * len(row.stretches) + GAP)
    bottom = tops[-1]
    held = axis.place(line_at) if line_at is not None else None
    placed = list(zip(rows, tops, strict=False))
    marks = tuple(mark for row, top in placed for mark in _marks(row, top + TITLE, axis))
    return Chart(
        name=name,
        title=title,
        summary="; ".join(mark.tip for mark in marks),
        x_title=x_title,
        y_title="",
        x_ticks=axis.ticks(text),
        y_ticks=(),
        marks=marks,
        lines=() if held is None else (Line(polyline([(held, FIRST), (held, bottom)]), "ideal"),),
        labels=tuple(Label(0, top + 11, shorten(row.title, 48), "row") for row, top in placed),
        limit=None if limit is None else Limit(axis.place(limit), f"limit {text(limit)}"),
        left=min(axis.start, axis.end),
        top=FIRST,
        bottom=bottom,
    )


def _marks(row: Row, top: float, axis: Axis) -> list[Mark]:
    middles = (top + STEP * (number + 0.5) for number in range(len(row.stretches)))
    return [_mark(one, middle, axis) for one, middle in zip(row.stretches, middles, strict=True)]


def _mark(one: Stretch, y: float, axis: Axis) -> Mark:
    return Mark(
        x=axis.place(one.high if one.dot is None else one.dot),
        y=y,
        kind=one.kind,
        tip=one.tip,
        text=one.text if one.dot is None else "",
        x_span=(axis.place(one.low), axis.place(one.high)),
        series=one.series,
        shape=BAR if one.dot is None else RANGE,
        ticks=tuple(axis.place(value) for value in one.ticks),
    )
