"""Active days and sessions of all time, against a loop over what each request knows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.known_use import SETTLED_DAYS, USE_COLUMNS, all_time_use
from features.owner_streams import Question
from tests.features.owner_batches import answers_to

ROW = {
    "known": pa.date32(), "event_day": pa.date32(), "hour": pa.int32(),
    "active_days": pa.int64(), "sessions": pa.int64(),
}  # fmt: skip
SCHEMA = pa.schema({"user_id": pa.string(), "as_of": pa.date32(), "row_0": pa.struct(ROW)})
Use = tuple[str, date, int, int]
"""User, event day, hour, days until it was known."""

users = st.sampled_from("ab")
days = st.integers(-2, 4).map(lambda number: date(1970, 1, 1) + timedelta(days=number))
uses = st.lists(
    st.tuples(users, days, st.sampled_from([0, 1, 2, 22, 23]), st.sampled_from([0, 1, SETTLED_DAYS, SETTLED_DAYS + 1])),
    max_size=30,
)
requests = st.sets(st.tuples(users, days.map(lambda day: day + timedelta(days=3))), max_size=10)


def answers(asked: set[tuple[str, date]], rows: list[tuple[str, dict[str, Any]]]) -> dict[tuple[str, date], list[int]]:
    together = [{"user_id": user, "as_of": as_of} for user, as_of in asked]
    together += [{"user_id": user, "row_0": row} for user, row in rows]
    question = Question(all_time_use, dict.fromkeys(USE_COLUMNS, "bigint"))
    found = answers_to(question, together, SCHEMA, 7)
    return {(row["user_id"], row["as_of"]): [row[name] for name in USE_COLUMNS] for row in found}


def row_of(use: Use) -> tuple[str, dict[str, Any]]:
    user, day, hour, late = use
    known = day + timedelta(days=late)
    return user, {"known": known, "event_day": day, "hour": hour, "active_days": 0, "sessions": 0}


@settings(max_examples=200, deadline=None)
@given(asked=requests, held=uses)
def test_days_and_runs_of_hours_are_those_of_a_loop(asked: set[tuple[str, date]], held: list[Use]) -> None:
    expected = {}
    for user, as_of in asked:
        known = [use for use in held if use[0] == user and use[1] + timedelta(days=use[3]) < as_of]
        hours = {(day, hour) for _, day, hour, late in known if late <= SETTLED_DAYS}
        began = [(day, hour) for day, hour in hours if (day, hour - 1) not in hours]
        if known:
            expected[user, as_of] = [len({day for day, _ in hours}), len(began)]
    assert answers(asked, [row_of(use) for use in held]) == expected


def test_sums_of_folded_days_are_added() -> None:
    first = date(2026, 3, 1)
    folded = {"known": first, "event_day": first, "hour": None, "active_days": 40, "sessions": 55}
    rows = [("a", folded), row_of(("a", first, 0, 1)), row_of(("b", first, 5, 0))]
    asked = {(user, first + timedelta(days=number)) for user in "ab" for number in (1, 2)}
    assert answers(asked, rows) == {
        ("a", date(2026, 3, 2)): [40, 55],
        ("a", date(2026, 3, 3)): [41, 56],
        ("b", date(2026, 3, 2)): [1, 1],
        ("b", date(2026, 3, 3)): [1, 1],
    }
