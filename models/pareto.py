"""Which models no other one beats at everything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def pareto_front(costs: Mapping[str, Sequence[float | None]]) -> list[str]:
    """Give the names that no other one dominates, in the order given.

    One dominates another when it is no worse in any cost and better in one; equals stay beside each other.

    Parameters
    ----------
    costs : mapping
        Name -> its costs, lower is better, the same ones for all. A name with a cost that is no finite number is left
        out, and dominates nobody.
    """
    known = {name: [cost for cost in own if cost is not None] for name, own in costs.items() if _all_known(own)}
    return [name for name, own in known.items() if not any(_dominates(other, own) for other in known.values())]


def costs_of(entry: Mapping[str, Any]) -> tuple[float | None, ...]:
    """Give what a measured candidate costs: log-loss on the hold-out, serving bytes, p99 latency."""
    return entry["log_loss"], entry["artifact_bytes"]["serving"], entry["latency_us"]["p99"]


def _all_known(costs: Sequence[float | None]) -> bool:
    return all(cost is not None and math.isfinite(cost) for cost in costs)


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(left <= right for left, right in pairs) and any(left < right for left, right in pairs)
