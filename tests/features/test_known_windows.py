"""Sums over windows as of midnights, against a loop that looks at every pair."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import owner_streams
from features.known import Known
from features.known_windows import windows_of
from tests.features.owner_batches import answers_to

SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "campaign_id": pa.string(),
        "as_of": pa.date32(),
        "row_0": pa.struct(
            {"known": pa.date32(), "event_day": pa.date32(), "sends": pa.int64(), "last_ms": pa.int64()}
        ),
    }
)
OWNER = ("user_id", "campaign_id")
WINDOWS = (1, 3)
COLUMNS = ("p_sends_1d", "p_sends_3d", "p_sends_all", "p_last_ms", "p_first_day")
Request = tuple[str, str, date]
Cell = tuple[str, str, date, int, int, int | None]

owners = st.sampled_from("ab")
days = st.integers(-3, 6).map(lambda number: date(1970, 1, 1) + timedelta(days=number))
cells = st.lists(
    st.tuples(owners, owners, days, st.integers(0, 4), st.integers(0, 9), st.none() | st.integers(-5, 5)), max_size=25
)
requests = st.sets(st.tuples(owners, owners, days), max_size=12)


def expected(asked: set[Request], held: list[Cell]) -> list[dict[str, Any]]:
    rows = []
    for request in sorted(asked):
        as_of = request[2]
        known = [cell for cell in held if cell[:2] == request[:2] and cell[2] + timedelta(days=cell[3]) < as_of]
        inside = {window: [cell for cell in known if cell[2] >= as_of - timedelta(days=window)] for window in WINDOWS}
        if known:
            row: dict[str, Any] = dict(zip((*OWNER, "as_of"), request, strict=True))
            row |= {f"p_sends_{window}d": sum(cell[4] for cell in inside[window]) for window in WINDOWS}
            row["p_sends_all"] = sum(cell[4] for cell in known)
            row["p_last_ms"] = max((cell[5] for cell in known if cell[5] is not None), default=None)
            row["p_first_day"] = min(cell[2] for cell in known)
            rows.append(row)
    return rows


@pytest.mark.parametrize("rows_at_once", [1, 1000])
@settings(deadline=None)  # the first call is slow; nothing here is timed
@given(asked=requests, held=cells, batch_rows=st.integers(1, 9))
def test_windows_as_of(rows_at_once: int, asked: set[Request], held: list[Cell], batch_rows: int) -> None:
    rows: list[dict[str, Any]] = [dict(zip((*OWNER, "as_of"), request, strict=True)) for request in sorted(asked)]
    rows += [
        {
            **dict(zip(OWNER, cell, strict=False)),
            "row_0": {
                "known": cell[2] + timedelta(days=cell[3]),
                "event_day": cell[2],
                "sends": cell[4],
                "last_ms": cell[5],
            },
        }
        for cell in held
    ]

    def answer(known: Known) -> dict[str, pa.Array]:
        return windows_of(known, "p", ("sends",), ("last_ms",), WINDOWS)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.known.ROWS_AT_ONCE", rows_at_once)
        patch.setattr("features.parts.ROWS_TOGETHER", rows_at_once)
        question = owner_streams.Question(answer, dict.fromkeys(COLUMNS, "bigint"))
        found = answers_to(question, rows, SCHEMA, batch_rows, OWNER)
    assert sorted(found, key=lambda row: tuple(row[name] for name in (*OWNER, "as_of"))) == expected(asked, held)
