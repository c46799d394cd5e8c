"""The parts of a picture, placed in its own units; ``charts.html.j2`` turns them into SVG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jobs.report.axes import Tick

WIDTH, HEIGHT = 400, 310
LEFT, RIGHT, TOP, BOTTOM = 48, 388, 30, 264
"""Box of the plot within the picture. It is small so that its text can still be read on a phone."""


@dataclass(frozen=True)
class Mark:
    """A point with optional whiskers.

    Parameters
    ----------
    x, y : float
        Place.
    kind : str
        CSS class: ``chosen``, ``before``, ``other`` or ``refused``.
    tip : str
        Text shown on hovering.
    text : str
        Text within the point: the number of a model.
    x_span, y_span : tuple of float, optional
        Ends of the whiskers.
    ring : bool
        Whether a ring is drawn around the point.
    """

    x: float
    y: float
    kind: str
    tip: str
    text: str = ""
    x_span: tuple[float, float] | None = None
    y_span: tuple[float, float] | None = None
    ring: bool = False


@dataclass(frozen=True)
class Label:
    """A text to the right of a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Line:
    """A polyline; ``points`` as SVG wants them."""

    points: str
    kind: str


@dataclass(frozen=True)
class Limit:
    """A vertical line that a gate draws."""

    x: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A picture: what it shows in words, then its parts."""

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


def polyline(places: Iterable[tuple[float, float]]) -> str:
    """Write places as the ``points`` of a polyline."""
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def shorten(text: str, most: int = 28) -> str:
    """Cut a text that would not fit."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
