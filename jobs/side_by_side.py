"""Independent work at the same time: one is planned, or waits for its last task, while another computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 3
"""Spark jobs at the same time; more would only share the same cores."""


def side_by_side(do: Callable[[Item], Result], items: Iterable[Item], *, at_once: int = AT_ONCE) -> list[Result]:
    """Call a function for each item from a few threads; results in the order of the items.

    Raises
    ------
    Exception
        What the first failing call raised, when all that were begun have ended.
    """
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(do, items))
