"""The map of users: places and colours of its dots, its legends, and the latents in words."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import quantiles

from jobs.report import numbers
from jobs.report.embedding_measures import Driver, EmbeddingMap, Latent
from jobs.report.metrics import Metrics

SIZE, MARGIN, SPAN = 400, 8, 1000
"""Of the square picture, and the greatest place in the data."""
RATES, COLOURS = 5, 8
"""Steps of the click rate; latents with a colour of their own."""


@dataclass(frozen=True)
class Dot:
    """A user. ``rate`` and ``latent`` are numbers of colours; latent 0 is every other one."""

    x: float
    y: float
    rate: int
    latent: int


@dataclass(frozen=True)
class Picture:
    """Dots, and what the colours mean, in the order of their numbers."""

    dots: tuple[Dot, ...]
    rates: tuple[str, ...]
    latents: tuple[str, ...]


def shown(metrics: Metrics) -> EmbeddingMap | None:
    """Give the map, unless it is of another embedding than the day's."""
    found, embedding = metrics.embedding_map, metrics.embedding
    return found if found and embedding and found.embedding_version == embedding.version else None


def picture(found: EmbeddingMap | None) -> Picture | None:
    """Place the dots; null where there is no map."""
    if found is None:
        return None
    points, colour = found.points, colours(found)
    known = [rate for rate in points.click_rate if rate is not None]
    cuts = quantiles(known, n=RATES, method="inclusive") if len(known) > 1 else []
    dots = tuple(
        Dot(_place(x), _place(SPAN - y), bisect_right(cuts, rate or 0.0), colour.get(latent, 0))
        for x, y, rate, latent in zip(points.x, points.y, points.click_rate, points.latent, strict=True)
    )
    ends = [min(known, default=0.0), *cuts, max(known, default=0.0)]
    spans = tuple(f"{numbers.percent_column(low)} to {numbers.percent_column(high)}" for low, high in pairwise(ends))
    named = {one.latent: f"{one.latent}: {_first_driver(one)}" for one in found.latents}
    return Picture(dots, spans, ("any other", *(named[latent] for latent in colour)))


def colours(found: EmbeddingMap) -> dict[int, int]:
    """Give the latents that are the greatest of most users a colour each, from 1 on."""
    often = sorted(found.latents, key=lambda one: (-(one.top_share or 0.0), one.latent))
    return {one.latent: number for number, one in enumerate(often[:COLOURS], start=1)}


def in_words(one: Latent) -> str:
    """Say what a latent stands for."""
    rising = [it for it in one.drivers if (it.having or 0.0) > (it.without or 0.0)]
    falling = [it for it in one.drivers if it not in rising]
    parts = [f"{how} {_counted(its)}" for how, its in (("more", rising), ("fewer", falling)) if its]
    return "; ".join(parts) or "no count that changes"


def _counted(its: Sequence[Driver]) -> str:
    return ", ".join(f"{it.behaviour} ({numbers.fixed(it.without, 1)} → {numbers.fixed(it.having, 1)})" for it in its)


def sentence(found: EmbeddingMap | None) -> str | None:
    """Name the latents whose users surely click most and least; null without a map."""
    if found is None:
        return None
    more = [one for one in found.latents if (one.gap_ci[0] or 0.0) > 0]
    less = [one for one in found.latents if (one.gap_ci[1] or 0.0) < 0]
    return f"{_named('more', sorted(more, key=_gap, reverse=True))} {_named('less', sorted(less, key=_gap))}"


def _named(how: str, ones: Sequence[Latent]) -> str:
    if not ones:
        return f"Of none of these latents the users surely click {how} than the others."
    first, rate, rest = ones[0].latent, *(numbers.percent(one) for one in (ones[0].click_rate, ones[0].rest_click_rate))
    return f"Users surely click {how} who have latent {_listed(ones)} (with {first}: {rate} against {rest})."


def _listed(ones: Sequence[Latent]) -> str:
    *others, last = (str(one.latent) for one in ones)
    return f"{', '.join(others)} or {last}" if others else last


def _gap(one: Latent) -> float:
    return (one.click_rate or 0.0) - (one.rest_click_rate or 0.0)


def _first_driver(one: Latent) -> str:
    return one.drivers[0].behaviour if one.drivers else numbers.NONE


def _place(value: int) -> float:
    return round(MARGIN + (SIZE - 2 * MARGIN) * value / SPAN, 1)
