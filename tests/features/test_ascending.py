"""The order by several numbers, against numpy's lexsort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from features.ascending import ascending

FAR = np.iinfo(np.int64)
small, large = st.integers(-2, 2), st.sampled_from([FAR.min, FAR.min + 1, -(2**40), 0, 2**40, FAR.max])


@settings(max_examples=300, deadline=None)
@given(
    data=st.data(), n_rows=st.integers(0, 20), ranges=st.lists(st.sampled_from([small, large]), min_size=1, max_size=4)
)
def test_order_is_that_of_lexsort(data: st.DataObject, n_rows: int, ranges: list[st.SearchStrategy[int]]) -> None:
    keys = [data.draw(arrays.arrays(np.int64, n_rows, elements=of)) for of in ranges]
    assert ascending(*keys).tolist() == np.lexsort(keys[::-1]).tolist()


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.uint64])
def test_narrow_numbers_do_not_run_over(kind: type[np.integer]) -> None:
    first, second = np.array([100, 0, 100, 3], dtype=kind), np.array([1, 5, 0, 7], dtype=kind)
    assert ascending(first, second, second).tolist() == [1, 3, 2, 0]
