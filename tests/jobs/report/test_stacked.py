"""Pictures of rows: bars and ranges where they belong, and what each of them tells."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from jobs.report import blocks, gains, latencies, sizes, slices
from jobs.report.axes import Axis
from jobs.report.charts import BOTTOM, HEIGHT, TOP, Chart, Mark
from jobs.report.metrics import BlockWeights, Metrics
from jobs.report.shown import all_models, compared
from jobs.report.stacked import MOST, Row, Stretch, stacked

AXIS = Axis(0, 10, 0, 100)


def marks_of(chart: Chart | None) -> tuple[Mark, ...]:
    assert chart is not None
    return chart.marks


def row(title: str, *highs: float) -> Row:
    return Row(title, tuple(Stretch(0, high, "other", f"{title} {high}") for high in highs))


def drawn(*rows: Row, **more: Any) -> Chart:
    chart = stacked(rows, AXIS, name="n", title="t", x_title="x", text=str, **more)
    assert chart is not None
    return chart


def test_rows_lie_below_each_other_and_within_the_picture() -> None:
    chart = drawn(row("a", 1, 2, 3), row("b", 4), row("c", 5, 6))
    heights = [mark.y for mark in chart.marks]
    assert all(after - before >= 13 for before, after in pairwise(heights))
    assert chart.top < heights[0] < heights[-1] < chart.bottom
    titles = [label.y for label in chart.labels]
    assert titles[0] < heights[0]
    assert heights[2] < titles[1] < heights[3]
    assert chart.height == chart.bottom + HEIGHT - BOTTOM


def test_a_bar_ends_at_its_value_and_a_dot_lies_within_its_range() -> None:
    assert drawn(row("a", 3)).marks[0].x_span == (0, 30)
    (mark,) = drawn(Row("a", (Stretch(2, 8, "other", "tip", dot=5, ticks=(7,)),))).marks
    assert (mark.x, mark.x_span, mark.ticks) == (50, (20, 80), (70,))


def test_a_line_stands_where_it_is_asked_for() -> None:
    assert drawn(row("a", 3), line_at=4).lines[0].points.startswith("40,14 40,")
    assert drawn(row("a", 3), limit=9).limit is not None


def test_nothing_to_draw_is_no_picture() -> None:
    assert stacked([], AXIS, name="n", title="t", x_title="x", text=str) is None
    assert sizes.size_by_format(()) is None
    assert latencies.latency_spread(()) is None
    assert slices.by_platform(()) is None
    assert blocks.picture(None) is None
    assert gains.lift(()) is None


def test_every_size_has_a_bar_as_long_as_it_is_large(metrics: Metrics) -> None:
    marks = marks_of(sizes.size_by_format(all_models(metrics)))
    known = [size for one in all_models(metrics) for size in one.measures.artifact_bytes.values()]
    assert len(marks) == len(known)
    assert {mark.series for mark in marks} == {str(one.number) for one in all_models(metrics)}
    assert sorted(mark.x for mark in marks) == [mark.x for mark in sorted(marks, key=lambda mark: mark.x)]
    assert marks[0].tip == "lightgbm, serving: 241\N{NARROW NO-BREAK SPACE}kB"


def test_latencies_are_those_of_the_whole_with_cold_caches_too_and_of_the_engine(metrics: Metrics) -> None:
    models = all_models(metrics)[:1]
    whole, cold, engine = marks_of(latencies.latency_spread(models, 100.0))
    assert "raw row to probability: p50 61.2" in whole.tip
    assert "engine alone: p50 18.4" in engine.tip
    assert "caches empty: p50 184" in cold.tip
    assert engine.x < whole.x < cold.x
    assert len(whole.ticks) == 2


def test_platforms_are_those_with_a_ratio_and_most_sends_first(metrics: Metrics) -> None:
    chart = slices.by_platform(compared(metrics))
    assert chart is not None
    assert [label.text for label in chart.labels] == ["android, 28,114 sends", "ios, 12,300 sends"]
    assert len(chart.marks) == 2 * len(compared(metrics))
    exact = float(chart.lines[0].points.partition(",")[0])
    assert all(mark.x > exact for mark in chart.marks)  # both promise too much


def test_the_interval_of_a_ratio_is_that_of_its_click_rate() -> None:
    low, high = slices.ratio_interval(1.1, 0.05, 2_000)
    assert low < 1.1 < high
    assert 1.1 * 0.05 / high == pytest.approx(0.0413, abs=1e-4)  # Wilson's bounds of 100 in 2,000
    assert 1.1 * 0.05 / low == pytest.approx(0.0604, abs=1e-4)
    assert slices.ratio_interval(1.1, None, 2_000) == (1.1, 1.1)


def test_many_platforms_are_cut(metrics: Metrics) -> None:
    one = metrics.candidates[0].by_platform[0]
    many = tuple(one.model_copy(update={"platform": f"p{i}", "n": 10 + i}) for i in range(40))
    model = metrics.candidates[0].model_copy(update={"by_platform": many})
    chart = slices.by_platform(all_models(metrics.model_copy(update={"candidates": (model,)}))[:1])
    assert chart is not None
    assert [label.text for label in chart.labels][:2] == ["p39, 49 sends", "p38, 48 sends"]
    assert len(chart.labels) == MOST


def test_blocks_look_as_they_are_judged(weights: dict[str, Any]) -> None:
    chart = blocks.picture(BlockWeights.model_validate(weights))
    assert chart is not None
    assert [label.text for label in chart.labels] == ["user_history", "device_state", "user_profile"]
    assert [mark.kind for mark in chart.marks] == ["chosen", "other", "before"]
    zero = float(chart.lines[0].points.partition(",")[0])
    spans = [mark.x_span for mark in chart.marks if mark.x_span]
    assert [(low > zero, high < zero) for low, high in spans] == [(True, False), (False, False), (False, True)]


def test_lift_is_the_clicks_over_those_of_random_users(metrics: Metrics) -> None:
    chart = gains.lift(compared(metrics)[:1])
    assert chart is not None
    held = gains.clicks_held(compared(metrics)[0], 0.1)
    assert chart.labels[0].text.endswith(f": {held / 0.1:.1f} times")
    assert f"{held / 0.1:.1f} times as many as random users" in next(m.tip for m in chart.marks if m.shape == "dot")
    assert all(TOP <= mark.y <= BOTTOM for mark in chart.marks)
    heights = [mark.y for mark in chart.marks]
    assert heights == sorted(heights)  # the more users, the less lift
