"""Places and ticks of the pictures, and how numbers are written."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.report import numbers
from jobs.report.axes import MAX_TICKS, Axis, linear_axis, log_axis
from jobs.report.gains import clicks_held
from jobs.report.measures import GainPoint
from jobs.report.metrics import Metrics
from jobs.report.outcomes import wilson
from jobs.report.shown import Shown

GAP = numbers.GAP
POSITIVE = st.floats(1e-6, 1e9)


@settings(deadline=None)
@given(st.lists(POSITIVE, min_size=1, max_size=20))
def test_ticks_lie_on_the_axis_and_are_few(values: list[float]) -> None:
    for axis in (linear_axis(values, 10, 200), log_axis(values, 200, 10)):
        ticks = axis.ticks(str)
        assert 1 <= len(ticks) <= MAX_TICKS + 1
        assert all(10 <= tick.at <= 200 for tick in ticks)
        assert len({tick.text for tick in ticks}) == len(ticks)


@settings(deadline=None)
@given(st.lists(POSITIVE, min_size=2, max_size=20))
def test_larger_values_lie_further_along(values: list[float]) -> None:
    for axis in (linear_axis(values, 0, 1000), log_axis(values, 0, 1000)):
        places = [axis.place(value) for value in sorted(values)]
        assert places == sorted(places)


def test_a_value_beyond_the_axis_is_drawn_at_its_end() -> None:
    axis = Axis(0, 1, 0, 100)
    assert (axis.place(-5), axis.place(7)) == (0, 100)


def test_docstring_examples_of_numbers_hold() -> None:
    found = doctest.testmod(numbers)
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (numbers.size(999), f"999{GAP}B"),
        (numbers.size(999_960), f"1{GAP}MB"),
        (numbers.size(241_300), f"241{GAP}kB"),
        (numbers.micros(84.62), f"84.6{GAP}µs"),
        (numbers.micros(2_000), f"2{GAP}ms"),
        (numbers.percent(0.0461), f"4.61{GAP}%"),
        (numbers.percent_column(0.19), f"19.0{GAP}%"),
        (numbers.significant(-0.00109), "\N{MINUS SIGN}0.00109"),
        (numbers.significant(3e-8), f"3{numbers.TIMES}10⁻⁸"),
        (numbers.significant(0), "0"),
        (numbers.significant(100_000), "100,000"),
        (numbers.interval((0.7, None)), numbers.NONE),
        (numbers.count(None), numbers.NONE),
        (numbers.size(float("nan")), numbers.NONE),
    ],
)
def test_numbers_have_few_digits_and_a_unit(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(("share", "held"), [(0.0, 0.0), (0.1, 0.4), (0.3, 0.55), (0.5, 0.7), (1.0, 1.0)])
def test_the_gain_curve_is_read_between_its_points(metrics: Metrics, share: float, held: float) -> None:
    points = [GainPoint(share_of_users=x, share_of_clicks=y) for x, y in ((0.1, 0.4), (0.5, 0.7), (1.0, 1.0))]
    model = metrics.candidates[0].model_copy(update={"lift": tuple(points)})
    assert clicks_held(Shown(1, model, "m", "chosen"), share) == pytest.approx(held)


def test_wilson_interval_of_a_published_example() -> None:
    """Newcombe, R. G. (1998), Statistics in Medicine 17, table I: 81 of 263, 0.2553 to 0.3662."""
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_wilson_interval_without_a_click_reaches_above_zero() -> None:
    low, high = wilson(0.0, 20)
    assert low == 0.0
    assert high == pytest.approx(0.1611, abs=5e-4)
