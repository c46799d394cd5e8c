"""Sparse counts as of midnights, against a loop that looks at every pair."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import known_counts, owner_streams
from tests.features.owner_batches import answers_to

CELL = {"known": pa.date32(), "token_id": pa.int32(), "count": pa.int64()}
SCHEMA = pa.schema({"user_id": pa.string(), "as_of": pa.date32(), "row_0": pa.struct(CELL)})
QUESTION = owner_streams.Question(known_counts.count_rows, known_counts.COUNTS)
Row = dict[str, Any]

users = st.sampled_from("abc")
days = st.integers(-3, 6).map(lambda number: date(1970, 1, 1) + timedelta(days=number))
cells = st.lists(st.tuples(users, days, st.integers(0, 4), st.integers(1, 9)), max_size=25)
requests = st.sets(st.tuples(users, days), max_size=12)


def expected(asked: set[tuple[str, date]], held: list[tuple[str, date, int, int]]) -> dict[Any, Any]:
    rows: dict[Any, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for user, as_of in asked:
        for owner, known, token, count in held:
            if owner == user and known < as_of:
                rows[user, as_of][token] += count
    return {key: sorted(counts.items()) for key, counts in rows.items()}


@pytest.mark.parametrize("rows_at_once", [1, 3, 1000])
@settings(deadline=None)  # the first call is slow; nothing here is timed
@given(asked=requests, held=cells, batch_rows=st.integers(1, 9))
def test_counts_as_of(
    rows_at_once: int, asked: set[tuple[str, date]], held: list[tuple[str, date, int, int]], batch_rows: int
) -> None:
    rows: list[Row] = [{"user_id": user, "row_0": dict(zip(CELL, cell, strict=True))} for user, *cell in held]
    rows += [{"user_id": user, "as_of": as_of} for user, as_of in sorted(asked)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.known.ROWS_AT_ONCE", rows_at_once)
        patch.setattr("features.parts.ROWS_TOGETHER", rows_at_once)
        found = answers_to(QUESTION, rows, SCHEMA, batch_rows)
    assert {
        (row["user_id"], row["as_of"]): list(zip(row["token_ids"], row["counts"], strict=True)) for row in found
    } == expected(asked, held)
    assert len(found) == len({(row["user_id"], row["as_of"]) for row in found})
