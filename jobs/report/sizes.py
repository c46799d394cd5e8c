"""Picture of the bytes of every model in every format."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.report import numbers
from jobs.report.axes import Axis, log_axis
from jobs.report.charts import RIGHT, Chart
from jobs.report.shown import Shown, formats
from jobs.report.stacked import MOST, NUMBERS, Row, Stretch, stacked


def size_by_format(models: Sequence[Shown]) -> Chart | None:
    """Draw a bar for each model below each format, the serving files first; null without sizes."""
    drawn = models[:MOST]
    known = [size for one in drawn for size in one.measures.artifact_bytes.values() if size > 0]
    if not known:
        return None
    axis = log_axis(known, NUMBERS, RIGHT, room=2.0)
    rows = [Row(name.replace("_", " "), _bars(drawn, name, axis)) for name in formats(drawn)[:MOST]]
    title, x_title = "Size by format", "Bytes (log scale)"
    return stacked(rows, axis, name="formats", title=title, x_title=x_title, text=numbers.size)


def _bars(models: Sequence[Shown], name: str, axis: Axis) -> tuple[Stretch, ...]:
    sizes = [(one, one.measures.artifact_bytes.get(name)) for one in models]
    return tuple(
        Stretch(
            low=axis.low,
            high=size,
            kind=one.kind,
            tip=f"{one.label}, {name.replace('_', ' ')}: {numbers.size(size)}",
            text=str(one.number),
            series=one.series,
        )
        for one, size in sizes
        if size
    )
