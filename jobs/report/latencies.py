"""Picture of how long single predictions take: most of them, the slow ones and the slowest."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.report import numbers
from jobs.report.axes import log_axis
from jobs.report.charts import RIGHT, Chart
from jobs.report.shown import Shown
from jobs.report.stacked import MOST, Row, Stretch, stacked
from jobs.report.tradeoff import FAR

START = 12
"""Where the axis begins."""

PERCENTILES = ("p50", "p95", "p99")

Spread = tuple[float | None, float | None, float | None]
"""What they are, in this order."""


def latency_spread(models: Sequence[Shown], limit: float | None = None) -> Chart | None:
    """Draw each model's p50 (the dot) to p99: whole, with empty caches, of the engine; null where nothing was timed."""
    rows = [Row(f"{one.number}  {one.label}", stretches) for one in models[:MOST] if (stretches := _stretches(one))]
    if not rows:
        return None
    ends = [end for row in rows for one in row.stretches for end in (one.low, one.high)]
    drawn = limit if limit and limit <= FAR * max(ends) else None
    return stacked(
        rows,
        log_axis([*ends, *([drawn] if drawn else [])], START, RIGHT),
        name="latencies",
        title="Latency, most and slowest",
        x_title="Time of one prediction (log scale)",
        text=numbers.micros,
        limit=drawn,
    )


def _stretches(one: Shown) -> tuple[Stretch, ...]:
    latency = one.measures.latency_us
    whole = _stretch(one, "raw row to probability", one.kind, (latency.p50, latency.p95, latency.p99))
    engine = (latency.engine_p50, latency.engine_p95, latency.engine_p99)
    cold = (latency.cold_p50, latency.cold_p95, latency.cold_p99)
    parts = (whole, _stretch(one, "caches empty", "engine", cold), _stretch(one, "engine alone", "engine", engine))
    return tuple(found for found in parts if found)


def _stretch(one: Shown, what: str, kind: str, spread: Spread) -> Stretch | None:
    p50, p95, p99 = spread
    if not p50 or not p99:
        return None
    told = ", ".join(f"{name} {numbers.micros(value)}" for name, value in zip(PERCENTILES, spread, strict=True))
    return Stretch(
        low=p50,
        high=p99,
        kind=kind,
        tip=f"{one.label}, {what}: {told}",
        series=one.series,
        dot=p50,
        ticks=tuple(value for value in (p95, p99) if value),
    )
