"""Pictures of what a smaller audience keeps: the share of clicks, and how many times that of a random one."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.report import numbers
from jobs.report.axes import Axis
from jobs.report.charts import BOTTOM, DOT, LEFT, POINT, RIGHT, TOP, Chart, Label, Line, Mark, polyline
from jobs.report.shown import Shown

HIGHLIGHT = 0.1
"""The share of users that the pictures point at."""

Points = list[tuple[float, float]]


def gain(models: Sequence[Shown]) -> Chart | None:
    """Draw the share of clicks that the best-scored users hold; null when no model has points."""
    drawn = [one for one in models if one.measures.lift]
    if not drawn:
        return None
    x, y = Axis(0, 1, LEFT, RIGHT), Axis(0, 1, BOTTOM, TOP)
    told = f"top {_percent(HIGHLIGHT)} hold {_percent(clicks_held(drawn[0], HIGHLIGHT))}"
    chance = Line(polyline([(LEFT, BOTTOM), (RIGHT, TOP)]), "ideal")
    return Chart(
        name="gain",
        title="Share of clicks kept",
        summary=f"{drawn[0].label}: {told} of the clicks.",
        x_title="Share of users, highest scores first",
        y_title="Share of all clicks",
        x_ticks=x.ticks(_percent),
        y_ticks=y.ticks(_percent),
        lines=(chance, *(_line(one, _held(one), x, y) for one in reversed(drawn))),
        marks=tuple(mark for one in reversed(drawn) for mark in _marks(one, _held(one), x, y)),
        labels=(_label(drawn[0], clicks_held(drawn[0], HIGHLIGHT), told, x, y),),
    )


def lift(models: Sequence[Shown]) -> Chart | None:
    """Draw how many times as many clicks the best-scored users hold as random ones; null when no model has points."""
    drawn = [one for one in models if one.measures.lift]
    times = {one.series: [(users, clicks / users) for users, clicks in _held(one)[1:]] for one in drawn}
    if not drawn:
        return None
    x = Axis(0, 1, LEFT, RIGHT)
    y = Axis(0, 1.08 * max(value for points in times.values() for _, value in points), BOTTOM, TOP)
    first = dict(times[drawn[0].series]).get(HIGHLIGHT) or clicks_held(drawn[0], HIGHLIGHT) / HIGHLIGHT
    told = f"top {_percent(HIGHLIGHT)}: {_times(first)}"
    return Chart(
        name="lift",
        title="Lift over a random audience",
        summary=f"{drawn[0].label}, {told} as many clicks as random users.",
        x_title="Share of users, highest scores first",
        y_title="Clicks, times those of as many random users",
        x_ticks=x.ticks(_percent),
        y_ticks=y.ticks(numbers.significant),
        lines=(
            Line(polyline([(LEFT, y.place(1)), (RIGHT, y.place(1))]), "ideal"),
            *(_line(one, times[one.series], x, y) for one in reversed(drawn)),
        ),
        marks=tuple(mark for one in reversed(drawn) for mark in _marks(one, times[one.series], x, y)),
        labels=(_label(drawn[0], first, told, x, y),),
    )


def clicks_held(one: Shown, share: float) -> float:
    """Interpolate the share of clicks among the best-scored ``share`` of users."""
    before = max(point for point in _held(one) if point[0] <= share)
    after = min(point for point in _held(one) if point[0] >= share)
    if after[0] == before[0]:
        return after[1]
    return before[1] + (after[1] - before[1]) * (share - before[0]) / (after[0] - before[0])


def _held(one: Shown) -> Points:
    """Shares of users and of clicks, from none to all."""
    inner = ((p.share_of_users, p.share_of_clicks) for p in one.measures.lift if 0 < p.share_of_users < 1)
    return [(0.0, 0.0), *inner, (1.0, 1.0)]


def _line(one: Shown, points: Points, x: Axis, y: Axis) -> Line:
    return Line(polyline((x.place(users), y.place(value)) for users, value in points), one.kind, one.series)


def _marks(one: Shown, points: Points, x: Axis, y: Axis) -> list[Mark]:
    return [
        Mark(
            x=x.place(users),
            y=y.place(value),
            kind=one.kind,
            tip=f"{one.label}: the top {_percent(users)} hold {_percent(held)} of the clicks, "
            f"{_times(held / users)} as many as random users",
            series=one.series,
            shape=DOT if users == HIGHLIGHT else POINT,
        )
        for (users, value), held in zip(points, _clicks(one, points), strict=True)
        if users
    ]


def _clicks(one: Shown, points: Points) -> list[float]:
    held = dict(_held(one))
    return [held[users] for users, _ in points]


def _label(one: Shown, value: float, text: str, x: Axis, y: Axis) -> Label:
    return Label(x.place(HIGHLIGHT) + 10, y.place(value) + 5, text, series=one.series)


def _percent(value: float | None) -> str:
    return numbers.percent(value, 2)


def _times(value: float) -> str:
    return f"{numbers.fixed(value, 1)} times"
