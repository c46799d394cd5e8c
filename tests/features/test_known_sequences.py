"""Pushes in order as of midnights, against a loop that plays each request's pushes one after the other."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import median
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import owner_streams
from features.known_sequences import CATEGORY_COLUMNS, MS_PER_MINUTE, SEQUENCE_COLUMNS, sequences
from tests.features.owner_batches import answers_to

SCHEMA = pa.schema(
    {
        "user_id": pa.string(), "as_of": pa.date32(), "asked_on": pa.date32(),
        "row_0": pa.struct({
            "known": pa.date32(), "sent_ms": pa.int64(), "outcome": pa.int32(), "reaction_ms": pa.int64(),
            "category": pa.string(),
        }),
    }
)  # fmt: skip
Row = dict[str, Any]

users = st.sampled_from("abc")
days = st.integers(-3, 6).map(lambda number: date(1970, 1, 1) + timedelta(days=number))
sent = st.integers(-3, 30).map(lambda number: number * MS_PER_MINUTE * 7 // 10)
outcomes = st.one_of(st.tuples(st.sampled_from([0, 2]), st.none()), st.tuples(st.just(1), st.integers(0, 9)))
categories = st.sampled_from(["art", "news", "sport", None])
pushes = st.lists(st.tuples(users, days, sent, outcomes, categories), max_size=40)
requests = st.sets(st.tuples(users, days), max_size=12)


Push = tuple[int, int, int | None, str | None]


def played(past: list[Push]) -> Row:
    """Play pushes (sent, outcome, reaction, category) from the oldest on, and tell what is known after the last."""
    row: Row = dict.fromkeys(SEQUENCE_COLUMNS, 0)
    before: list[int] = []
    last_sent = None
    reactions, clicked = [], []
    for sent_ms, outcome, reaction, category in sorted(past, key=lambda push: (*push[:2], push[2] or 0, push[3] or "")):
        row["pushes_since_click"] = 0 if outcome == 1 else row["pushes_since_click"] + 1
        if before and before[-1] != outcome:
            row["outcome_run_before"], row["outcome_run"] = row["outcome_run"], 0
        row["outcome_run"] += 1
        row["click_pattern"] = row["click_pattern"] // 2 + (512 if outcome == 1 else 0)
        if reaction is not None:
            reactions.append(reaction)
            clicked.append(category)
        if last_sent is not None:
            minutes = (sent_ms - last_sent) // MS_PER_MINUTE
            row["gaps"], row["gap_minutes"] = row["gaps"] + 1, row["gap_minutes"] + minutes
            row["gap_minutes_squared"] += minutes**2
        before.append(outcome)
        last_sent = sent_ms
    newest = before[::-1]
    row |= {f"last_outcome_{n + 1}": newest[n] if n < len(newest) else None for n in range(10)}
    row |= {name: clicked[-n] if n <= len(clicked) else None for n, name in enumerate(CATEGORY_COLUMNS, 1)}
    row["reaction_ms_middle"] = round(2 * median(reactions)) if reactions else None
    return row | {"recent_clicks": newest[:10].count(1), "recent_dismissals": newest[:10].count(2)}


@pytest.mark.parametrize("rows_at_once", [1, 1000])
@settings(deadline=None)  # the first call is slow; nothing here is timed
@given(asked=requests, held=pushes, batch_rows=st.integers(1, 9), within=st.one_of(st.none(), st.integers(0, 4)))
def test_sequences_as_of(
    rows_at_once: int, asked: set[tuple[str, date]], held: list[Any], batch_rows: int, within: int | None
) -> None:
    rows: list[Row] = [
        {
            "user_id": user,
            "row_0": {
                "known": known,
                "sent_ms": sent_ms,
                "outcome": outcome,
                "reaction_ms": reaction,
                "category": category,
            },
        }
        for user, known, sent_ms, (outcome, reaction), category in held
    ]
    rows += [{"user_id": user, "as_of": as_of, "asked_on": as_of} for user, as_of in sorted(asked)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.known.ROWS_AT_ONCE", rows_at_once)
        patch.setattr("features.parts.ROWS_TOGETHER", rows_at_once)
        columns = dict.fromkeys((*SEQUENCE_COLUMNS, *CATEGORY_COLUMNS), "any")
        question = owner_streams.Question(sequences, columns, within)
        found = answers_to(question, rows, SCHEMA, batch_rows)
    expected = []
    for user, as_of in asked:
        since = date.min if within is None else as_of - timedelta(days=within)
        past = [(push[2], *push[3], push[4]) for push in held if push[0] == user and since <= push[1] < as_of]
        if past:
            expected.append({"user_id": user, "as_of": as_of, "asked_on": as_of, **played(past)})

    def name(row: Row) -> Any:
        return row["user_id"], row["as_of"]

    assert sorted(found, key=name) == sorted(expected, key=name)
