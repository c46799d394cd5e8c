"""What the row encoder makes of raw rows: nulls, unseen categories, codes, and one row as in company."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.serving.encoder import FIRST_KNOWN_CODE, NULL_CODE, UNSEEN_CODE, RowEncoder
from models.serving.errors import RowError

ENCODER = RowEncoder(
    numeric=("sends_7d", "rate"), vocabularies={"platform": ("ios", "android"), "brand": ("b",)}, n_latents=4
)
ROW = {"sends_7d": 3, "rate": 0.5, "platform": "android", "brand": "b", "latents": [2], "latent_values": [0.5]}

values = st.one_of(st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.floats(allow_nan=True))
words = st.one_of(st.none(), st.sampled_from(["ios", "android", "b", "windows", ""]))
codes = st.one_of(st.none(), st.dictionaries(st.integers(0, 3), st.floats(0, 10, width=32), max_size=4))


@st.composite
def raw_rows(draw: st.DrawFn) -> dict[str, Any]:
    code = draw(codes)
    return {
        "sends_7d": draw(values),
        "rate": draw(values),
        "platform": draw(words),
        "brand": draw(words),
        "latents": None if code is None else list(code),
        "latent_values": None if code is None else list(code.values()),
    }


def batch_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    def column(name: str) -> Any:
        values = np.empty(len(rows), dtype=object)
        values[:] = [row[name] for row in rows]
        return values.astype(float) if name in ENCODER.numeric else values

    return {name: column(name) for name in rows[0]}


@settings(deadline=None)
@given(st.lists(raw_rows(), min_size=1, max_size=5), st.sampled_from([math.nan, -1e6]))
def test_a_row_is_encoded_alone_as_in_company(rows: list[dict[str, Any]], missing: float) -> None:
    encoder = RowEncoder(ENCODER.numeric, ENCODER.vocabularies, ENCODER.n_latents, missing)
    np.testing.assert_array_equal(encoder.encode(batch_of(rows)), [encoder.encode_one(row) for row in rows])


@settings(deadline=None)
@given(
    st.lists(raw_rows(), min_size=1, max_size=5),
    st.lists(st.sets(st.integers(0, 7), min_size=1).map(sorted), min_size=1, max_size=2),
)
def test_some_columns_are_encoded_as_among_all(rows: list[dict[str, Any]], chosen: list[list[int]]) -> None:
    encoder, positions = ENCODER.only(chosen[0]), chosen[0]
    if len(chosen) == 2:  # of those that are left
        again = [at for at in chosen[1] if at < len(positions)] or [0]
        encoder, positions = encoder.only(again), [positions[at] for at in again]
    encoder = RowEncoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert encoder.columns == tuple(ENCODER.columns[at] for at in positions)
    batch = batch_of(rows)
    expected = ENCODER.encode(batch)[:, positions]
    np.testing.assert_array_equal(encoder.encode({name: batch[name] for name in encoder.raw_columns}), expected)
    needed = [{name: row[name] for name in encoder.raw_columns} for row in rows]
    np.testing.assert_array_equal([encoder.encode_one(row) for row in needed], expected)


def test_latents_that_nothing_hangs_on_are_still_held_to_the_width() -> None:
    encoder = ENCODER.only([0, 5])
    assert encoder.raw_columns == ("sends_7d", "latents", "latent_values")
    assert encoder.encode_one(ROW).tolist() == [3, 0]
    for latent in (4, -1):
        with pytest.raises(RowError, match="0 to 3"):
            encoder.encode_one({**ROW, "latents": [latent]})


def test_columns_are_numbers_then_codes_then_latents() -> None:
    assert ENCODER.columns == ("sends_7d", "rate", "platform", "brand", *(f"latent_{i}" for i in range(4)))
    assert ENCODER.categorical_positions == [2, 3]
    assert ENCODER.encode_one(ROW).tolist() == [3, 0.5, FIRST_KNOWN_CODE + 1, FIRST_KNOWN_CODE, 0, 0, 0.5, 0]


@pytest.mark.parametrize(
    ("word", "code"),
    [(None, NULL_CODE), (math.nan, NULL_CODE), ("windows", UNSEEN_CODE), ("", UNSEEN_CODE), ("ios", FIRST_KNOWN_CODE)],
)
def test_null_and_unseen_categories_have_codes_of_their_own(word: object, code: int) -> None:
    assert ENCODER.encode_one({**ROW, "platform": word})[2] == code


def test_a_null_number_is_nan_or_what_stands_for_it() -> None:
    assert math.isnan(ENCODER.encode_one({**ROW, "rate": None})[1])
    with_sentinel = RowEncoder(ENCODER.numeric, ENCODER.vocabularies, 4, missing=-1e6)
    assert with_sentinel.encode_one({**ROW, "rate": None})[1] == -1e6


@pytest.mark.parametrize("code", [(None, None), ([], [])])
def test_a_user_without_a_code_has_no_latent(code: tuple[Any, Any]) -> None:
    row = {**ROW, "latents": code[0], "latent_values": code[1]}
    assert not ENCODER.encode_one(row)[4:].any()


def test_a_model_without_codes_does_not_ask_for_them() -> None:
    encoder = RowEncoder(ENCODER.numeric, ENCODER.vocabularies)
    row = {name: value for name, value in ROW.items() if not name.startswith("latent")}
    assert encoder.raw_columns == tuple(row)
    assert len(encoder.encode_one(row)) == 4


@pytest.mark.parametrize(
    "code", [{"latents": [4]}, {"latents": [-1]}, {"latents": [1, 2]}], ids=["too high", "negative", "without value"]
)
def test_a_code_that_does_not_fit_is_refused(code: dict[str, Any]) -> None:
    row = {**ROW, **code}
    with pytest.raises(RowError, match="latents"):
        ENCODER.encode_one(row)
    with pytest.raises(RowError, match="latents"):
        ENCODER.encode(batch_of([row]))


def test_a_missing_column_is_named() -> None:
    row = {name: value for name, value in ROW.items() if name != "brand"}
    with pytest.raises(RowError, match="'brand'"):
        ENCODER.encode_one(row)
    with pytest.raises(RowError, match="'brand'"):
        ENCODER.encode(batch_of([row]))


def test_json_keeps_the_order_of_columns() -> None:
    text = json.dumps(ENCODER.to_json(), sort_keys=True)
    assert RowEncoder.from_json(json.loads(text)).columns == ENCODER.columns


def test_a_pickle_does_not_depend_on_past_use() -> None:
    fresh = RowEncoder(("sends_7d",), {"platform": ("ios",)})
    before = pickle.dumps(fresh)
    fresh.encode_one({"sends_7d": 1, "platform": "ios"})
    assert pickle.dumps(fresh) == before
