"""The parts of a picture, placed in its own units; ``charts.html.j2`` turns them into SVG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jobs.report.axes import Tick

WIDTH, HEIGHT = 400, 310
LEFT, RIGHT, TOP, BOTTOM = 48, 388, 30, 264
"""Box of the plot within the picture. It is small so that its text can still be read on a phone."""

DOT, POINT, RANGE, BAR = "dot", "point", "range", "bar"
"""Shapes of marks: a dot, one that is seen only when it is pointed at, a dot on a thick line, a bar."""


@dataclass(frozen=True)
class Mark:
    """Something in a picture that has values.

    Parameters
    ----------
    x, y : float
        Place.
    kind : str
        CSS class: ``chosen``, ``before``, ``other`` or ``refused``.
    tip : str
        Its values in words, shown when it is tapped or pointed at.
    text : str
        Text within the mark: the number of a model.
    x_span, y_span : tuple of float, optional
        Ends of the whiskers, or of the bar.
    ring : bool
        Whether a ring is drawn around the point.
    series : str
        What a legend hides together; empty for a mark that stays.
    shape : str
        ``DOT``, ``POINT``, ``RANGE`` or ``BAR``.
    ticks : tuple of float
        Places along x that a short line marks.
    """

    x: float
    y: float
    kind: str
    tip: str
    text: str = ""
    x_span: tuple[float, float] | None = None
    y_span: tuple[float, float] | None = None
    ring: bool = False
    series: str = ""
    shape: str = DOT
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Label:
    """A text to the right of a place."""

    x: float
    y: float
    text: str
    kind: str = "label"
    """CSS class: ``label`` points at something, ``row`` is the title of a row."""
    series: str = ""
    """See `Mark`."""


@dataclass(frozen=True)
class Line:
    """A polyline; ``points`` as SVG wants them."""

    points: str
    kind: str
    series: str = ""
    """See `Mark`."""


@dataclass(frozen=True)
class Limit:
    """A vertical line that a gate draws."""

    x: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A picture: what it shows in words, then its parts, then the box of its plot."""

    name: str
    title: str
    summary: str
    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...] = ()
    lines: tuple[Line, ...] = ()
    labels: tuple[Label, ...] = ()
    limit: Limit | None = None
    left: float = LEFT
    top: float = TOP
    bottom: float = BOTTOM

    @property
    def height(self) -> float:
        """Of the whole picture."""
        return self.bottom + HEIGHT - BOTTOM


def polyline(places: Iterable[tuple[float, float]]) -> str:
    """Write places as the ``points`` of a polyline."""
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def shorten(text: str, most: int = 28) -> str:
    """Cut a text that would not fit."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
