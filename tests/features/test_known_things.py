"""Cells that have a list of values, beside those that have one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.known import SPAN, Known
from features.known_things import distinct_things, each_value

DAYS = [0, 8, 9, 1, 2]
"""When cells became known: three of the first owner, two of the second."""


def known() -> Known:
    """Both owners ask at day 10, and the first one at day 9, too."""
    cells = {
        "event_day": pa.array(DAYS, pa.int32()).cast(pa.date32()),
        "category": [None, "a", None, "b", None],
        "old": [["a", "b", "c"], None, None, None, []],
        "other": [0] * len(DAYS),
    }
    place = np.array(DAYS) + SPAN * np.array([0, 0, 0, 1, 1])
    start, end, as_of = np.array([0, 0, 3]), np.array([2, 3, 5]), np.array([9, 10, 10])
    return Known(as_of, pa.table(cells), start, end, place, as_of + SPAN * np.array([0, 0, 1]))


def test_a_list_stands_for_a_cell_for_each_of_its_values() -> None:
    each = each_value(known(), "category", "old")
    assert each.rows.column("category").to_pylist() == ["a", "b", "c", "a", None, "b"]
    assert each.rows.column_names == ["event_day", "category"]
    assert [each.place[of].tolist() for of in map(slice, each.start, each.end)] == [
        [0, 0, 0, 8], [0, 0, 0, 8, 9], [SPAN + 1],
    ]  # fmt: skip


def test_values_of_lists_are_counted_once_with_all_others() -> None:
    counts = distinct_things(each_value(known(), "category", "old"), "category", "user", "categories", [7])
    assert {name: values.to_pylist() for name, values in counts.items()} == {
        "user_categories_7d": [1, 1, 0],
        "user_categories_all": [3, 3, 1],
    }
