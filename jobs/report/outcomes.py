"""Picture of calibration: what was predicted against what happened."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jobs.report import numbers
from jobs.report.axes import Axis, log_axis
from jobs.report.charts import BOTTOM, LEFT, RIGHT, TOP, Chart, Line, Mark, polyline
from jobs.report.measures import Bin
from jobs.report.shown import Shown


def reliability(models: Sequence[Shown]) -> Chart | None:
    """Draw the click rate of each bin against its mean prediction; null when no model has bins."""
    bins = {one.label: [b for b in one.measures.calibration_bins if b.p_mean and b.n] for one in models}
    values = [value for found in bins.values() for b in found for value in (b.p_mean or 0.0, b.y_mean or 0.0)]
    if not values:
        return None
    x, y = log_axis(values, LEFT, RIGHT, room=1.4), log_axis(values, BOTTOM, TOP, room=1.4)
    return Chart(
        name="reliability",
        title="Predicted against actual",
        summary=f"{len(values) // 2} bins of predictions; dots on the dashed line are exact.",
        x_title="Predicted click probability (log scale)",
        y_title="Share that clicked, with 95 % interval",
        x_ticks=x.ticks(_percent),
        y_ticks=y.ticks(_percent),
        marks=tuple(_bin_mark(one, b, x, y) for one in reversed(models) for b in bins[one.label]),
        lines=(Line(polyline([(LEFT, BOTTOM), (RIGHT, TOP)]), "ideal"),),
    )


def _bin_mark(one: Shown, found: Bin, x: Axis, y: Axis) -> Mark:
    low, high = wilson(found.y_mean or 0.0, found.n)
    return Mark(
        x=x.place(found.p_mean or x.low),
        y=y.place(max(found.y_mean or 0.0, y.low)),
        kind=one.kind,
        tip=f"{one.label}: predicted {_percent(found.p_mean)}; {_percent(found.y_mean)} of {found.n:,}",
        y_span=(y.place(max(low, y.low)), y.place(max(high, y.low))),
        series=one.series,
    )


def wilson(rate: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Give the 95 % interval of a share.

    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22, 209-212.
    """
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def _percent(value: float | None) -> str:
    return numbers.percent(value, 2)
