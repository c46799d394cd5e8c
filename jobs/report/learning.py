"""The learning curve: a picture of it, and what it says about more data."""

from __future__ import annotations

from jobs.report import numbers
from jobs.report.axes import linear_axis, log_axis
from jobs.report.charts import BOTTOM, LEFT, RIGHT, TOP, Chart, Line, Mark, polyline
from jobs.report.metrics import LearningCurve, LearningPoint


def picture(curve: LearningCurve | None) -> Chart | None:
    """Draw AUC against the rows learned from; null without two points that have one."""
    known = [(point, point.auc) for point in curve.points if point.auc is not None] if curve else []
    if curve is None or len(known) < 2:
        return None
    x = log_axis([point.rows for point, _ in known], LEFT, RIGHT, room=1.3)
    y = linear_axis([end for point, auc in known for end in _span(point, auc)], BOTTOM, TOP)
    marks = tuple(
        Mark(
            x=x.place(point.rows),
            y=y.place(auc),
            kind="chosen",
            tip=f"{numbers.percent(point.share)} of the users: AUC {numbers.fixed(auc)}",
            y_span=(y.place(_span(point, auc)[0]), y.place(_span(point, auc)[1])),
        )
        for point, auc in known
    )
    return Chart(
        name="learning",
        title=f"Quality of {curve.candidate} against data",
        summary="; ".join(mark.tip for mark in marks),
        x_title="Sends learned from (log scale)",
        y_title="AUC with 95 % interval (higher is better)",
        x_ticks=x.ticks(numbers.count),
        y_ticks=y.ticks(lambda value: numbers.fixed(value, 3)),
        marks=marks,
        lines=(Line(polyline((mark.x, mark.y) for mark in marks), "trend"),),
    )


def sentence(curve: LearningCurve | None, tolerance: float) -> str | None:
    """Say what the last users brought, held against the tolerance of the choice; null without two points."""
    if curve is None or len(curve.points) < 2:
        return None
    before, last = curve.points[-2:]
    if before.log_loss is None or last.log_loss is None:
        return None
    gain = before.log_loss - last.log_loss
    spans = f"From {numbers.percent(before.share)} of the users to {numbers.percent(last.share)}"
    if gain > tolerance:
        return f"{spans} the log-loss fell by {numbers.fixed(gain, 5)}: more users would still help."
    change = f"fell by only {numbers.fixed(gain, 5)}" if gain > 0 else f"did not fall ({numbers.fixed(-gain, 5)} more)"
    return f"{spans} the log-loss {change}: more users of the same kind would change little."


def _span(point: LearningPoint, auc: float) -> tuple[float, float]:
    low, high = point.auc_ci or (None, None)
    return (auc if low is None else low, auc if high is None else high)
