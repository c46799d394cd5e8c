"""Picture of calibration on slices of the rows: mean prediction over click rate, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.report import numbers
from jobs.report.charts import Chart
from jobs.report.measures import PlatformCalibration
from jobs.report.outcomes import wilson
from jobs.report.shown import Shown
from jobs.report.stacked import MOST, Row, Stretch, held_against


def by_platform(models: Sequence[Shown]) -> Chart | None:
    """Draw the ratio of each platform, the one with most sends first; null where no platform has one."""
    sends: dict[str, int] = {}
    for one in models:
        for found in one.measures.by_platform:
            if found.mean_p_over_mean_y:
                sends.setdefault(found.platform or "unknown", found.n)
    largest = sorted(sends.items(), key=lambda found: (-found[1], found[0]))[:MOST]
    rows = [_row(models, name, n) for name, n in largest]
    title, x_title = "Predicted over actual, by platform", "Mean prediction over click rate; 1 is exact"
    return held_against(rows, 1.0, name="platforms", title=title, x_title=x_title)


def _row(models: Sequence[Shown], name: str, n: int) -> Row:
    found = ((one, slice_) for one in models for slice_ in one.measures.by_platform)
    drawn = (_stretch(one, slice_) for one, slice_ in found if (slice_.platform or "unknown") == name)
    return Row(f"{name}, {numbers.count(n)} sends", tuple(stretch for stretch in drawn if stretch))


def _stretch(one: Shown, slice_: PlatformCalibration) -> Stretch | None:
    ratio = slice_.mean_p_over_mean_y
    if not ratio:
        return None
    low, high = ratio_interval(ratio, slice_.mean_y, slice_.n)
    told = "" if low == high else f" ({numbers.fixed(low, 2)} to {numbers.fixed(high, 2)})"
    return Stretch(
        low=low,
        high=high,
        kind=one.kind,
        tip=f"{one.label}, {slice_.platform or 'unknown'}: predicted over actual {numbers.fixed(ratio, 2)}{told}, "
        f"ECE {numbers.fixed(slice_.ece, 4)}",
        series=one.series,
        dot=ratio,
    )


def ratio_interval(ratio: float, mean_y: float | None, n: int) -> tuple[float, float]:
    """Give the 95 % interval of mean prediction over click rate, by that of the click rate.

    Predictions are taken as they are, and sends as independent. Without a click rate both ends are the ratio.
    """
    if not mean_y:
        return ratio, ratio
    low, high = wilson(mean_y, n)
    return ratio * mean_y / high, ratio * mean_y / low
