"""The reports of earlier days: their figures, and a picture of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.report import numbers
from jobs.report.axes import MAX_TICKS, Axis, Tick, linear_axis
from jobs.report.charts import BOTTOM, LEFT, RIGHT, TOP, Chart, Line, Mark, polyline
from jobs.report.measures import Candidate
from jobs.report.metrics import Metrics

MOST = 30
"""Runs that are shown, the present one included."""


@dataclass(frozen=True)
class Run:
    """What one run proposed, and whether it was published."""

    metrics: Metrics
    chosen: Candidate


def runs(metrics: Metrics, history: Sequence[Metrics]) -> tuple[Run, ...]:
    """Give the last runs that chose a candidate, the present one last; later days do not count."""
    days = sorted((one for one in history if one.ds < metrics.ds), key=lambda one: one.ds)
    found = ((one, one.candidate(one.chosen)) for one in (*days, metrics))
    return tuple(Run(one, chosen) for one, chosen in found if chosen is not None)[-MOST:]


Values = tuple[float, float, float]
"""A figure and the ends of its interval."""


def quality_over_time(shown: Sequence[Run]) -> Chart | None:
    """Draw the AUC of what each run chose; null with less than two runs."""
    return _over_time(
        [(run, _auc(run.chosen)) for run in shown if run.chosen.auc is not None],
        name="auc-history",
        title="Quality over time",
        y_title="AUC of the chosen model, with 95 % interval",
        text=lambda value: numbers.fixed(value, 3),
    )


def latency_over_time(shown: Sequence[Run]) -> Chart | None:
    """Draw the p99 latency of what each run chose; null with less than two runs."""
    timed = ((run, run.chosen.latency_us.p99) for run in shown)
    return _over_time(
        [(run, (p99, p99, p99)) for run, p99 in timed if p99 is not None],
        name="latency-history",
        title="Latency over time",
        y_title="p99 of the chosen model",
        text=numbers.micros,
    )


def size_over_time(shown: Sequence[Run]) -> Chart | None:
    """Draw the serving bytes of what each run chose; null with less than two runs."""
    sized = ((run, float(run.chosen.serving_bytes)) for run in shown)
    return _over_time(
        [(run, (size, size, size)) for run, size in sized],
        name="size-history",
        title="Size over time",
        y_title="Serving size of the chosen model",
        text=numbers.size,
    )


def _auc(chosen: Candidate) -> Values:
    auc, (low, high) = chosen.auc or 0.0, chosen.auc_ci or (None, None)
    return (auc, auc if low is None else low, auc if high is None else high)


def _over_time(
    known: Sequence[tuple[Run, Values]], *, name: str, title: str, y_title: str, text: Callable[[float], str]
) -> Chart | None:
    if len(known) < 2:
        return None
    x = Axis(-0.5, len(known) - 0.5, LEFT, RIGHT)
    y = linear_axis([value for _, values in known for value in values], BOTTOM, TOP)
    marks = tuple(_mark(run, values, x.place(place), y, text) for place, (run, values) in enumerate(known))
    return Chart(
        name=name,
        title=title,
        summary=f"{len(known)} runs; the last one is {marks[-1].tip}.",
        x_title="Day processed; hollow: not published",
        y_title=y_title,
        x_ticks=_day_ticks([run for run, _ in known], x),
        y_ticks=y.ticks(text),
        marks=marks,
        lines=(Line(polyline((mark.x, mark.y) for mark in marks), "trend"),),
    )


def _mark(run: Run, values: Values, x: float, y: Axis, text: Callable[[float], str]) -> Mark:
    value, low, high = values
    return Mark(
        x=x,
        y=y.place(value),
        kind="chosen" if run.metrics.published else "refused",
        tip=f"{run.metrics.ds}: {run.chosen.name}, {text(value)}",
        y_span=(y.place(low), y.place(high)) if low != high else None,
    )


def _day_ticks(known: Sequence[Run], x: Axis) -> tuple[Tick, ...]:
    step = -(-len(known) // MAX_TICKS)
    places = range(len(known) - 1, -1, -step)
    return tuple(Tick(x.place(place), f"{known[place].metrics.ds:%d %b}") for place in places)
