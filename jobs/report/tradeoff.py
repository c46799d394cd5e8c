"""Pictures of quality against size and against latency."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jobs.report import numbers
from jobs.report.axes import Axis, linear_axis, log_axis
from jobs.report.charts import BOTTOM, LEFT, RIGHT, TOP, Chart, Limit, Mark
from jobs.report.shown import Shown

FAR = 20
"""A limit that is this many times the largest value is not drawn: it would squeeze the rest."""


def quality_against_size(models: Sequence[Shown], limit: float | None = None) -> Chart | None:
    """Draw AUC against serving bytes; null when no model has both."""
    return _tradeoff(
        "size",
        [(one, float(one.measures.serving_bytes), None) for one in models],
        title="Quality against size",
        x_title="Serving size (log scale)",
        text=numbers.size,
        limit=limit,
    )


def quality_against_latency(models: Sequence[Shown], limit: float | None = None) -> Chart | None:
    """Draw AUC against the time of one prediction: the dot is p99, the line to its left reaches p50."""
    timed = [(one, one.measures.latency_us) for one in models]
    return _tradeoff(
        "latency",
        [(one, latency.p99, latency.p50) for one, latency in timed if latency.p99],
        title="Quality against latency",
        x_title="Time of one prediction, p50 to p99 (log scale)",
        text=numbers.micros,
        limit=limit,
    )


Point = tuple[Shown, float | None, float | None]
"""A model, its value and, where the value has a spread, the lower end of it."""


def _tradeoff(
    name: str,
    points: Sequence[Point],
    *,
    title: str,
    x_title: str,
    text: Callable[[float | None], str],
    limit: float | None,
) -> Chart | None:
    known = [(one, value, low or value) for one, value, low in points if value and one.measures.auc is not None]
    if not known:
        return None
    lows, values = [low for _, _, low in known], [value for _, value, _ in known]
    drawn = limit if limit and limit <= FAR * max(values) else None
    x = log_axis([*lows, *values, *([drawn] if drawn else [])], LEFT, RIGHT)
    y = linear_axis([end for one, _, _ in known for end in _auc_span(one)], BOTTOM, TOP)
    behind = sorted(known, key=lambda point: point[0].kind == "chosen")
    marks = tuple(_mark(one, value, low, x, y, text) for one, value, low in behind)
    return Chart(
        name=name,
        title=title,
        summary="; ".join(mark.tip for mark in marks),
        x_title=x_title,
        y_title="AUC with 95 % interval (higher is better)",
        x_ticks=x.ticks(text),
        y_ticks=y.ticks(lambda value: numbers.fixed(value, 3)),
        marks=marks,
        limit=Limit(x.place(drawn), f"limit {text(drawn)}") if drawn else None,
    )


def _mark(one: Shown, value: float, low: float, x: Axis, y: Axis, text: Callable[[float | None], str]) -> Mark:
    bottom, top = _auc_span(one)
    return Mark(
        x=x.place(value),
        y=y.place(one.measures.auc or 0.0),
        kind=one.kind,
        text=str(one.number),
        tip=f"{one.label}: AUC {numbers.fixed(one.measures.auc, 4)}, {text(value)}",
        x_span=(x.place(low), x.place(value)) if low != value else None,
        y_span=(y.place(bottom), y.place(top)),
        ring=one.on_front,
        series=one.series,
    )


def _auc_span(one: Shown) -> tuple[float, float]:
    auc, bounds = one.measures.auc or 0.0, one.measures.auc_ci or (None, None)
    low, high = bounds
    return (auc if low is None else low, auc if high is None else high)
