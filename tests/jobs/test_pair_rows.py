"""Crossed and encoded rows are those that encoding rows crossed by hand gives."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.scoring_parts import GROUP
from jobs import pair_rows
from jobs.pair_rows import Offers, PairRows
from models.serving.encoder import RowEncoder
from models.serving.errors import RowError
from tests.features.crossed_by_hand import crossed_by_hand

N_HOURS, N_KINDS = 3, 4

USERS = pa.schema(
    [
        ("user_id", pa.string()), (GROUP, pa.int32()), ("sends", pa.int64()), ("platform", pa.string()),
        ("latents", pa.list_(pa.int32())), ("latent_values", pa.list_(pa.float32())),
        ("share_at_hour", pa.list_(pa.float64())), ("word_at_hour", pa.list_(pa.string())),
        ("of_kind", pa.list_(pa.struct({"place": pa.int32(), "kind_sends": pa.int64(), "kind_word": pa.string()}))),
    ]
)  # fmt: skip
OFFERS = pa.schema(
    [
        (GROUP, pa.int32()), ("campaign_id", pa.string()), ("campaign_sends", pa.int64()), ("campaign", pa.string()),
        ("kind_sends", pa.int64()), ("kind_word", pa.string()), ("of_hour", pa.int32()), ("of_kind", pa.int32()),
    ]
)  # fmt: skip
CUT = {
    "of_user": ("sends", "platform", "latents", "latent_values"),
    "of_offer": ("campaign_sends", "campaign", "kind_sends", "kind_word"),
    "of_moment": {"of_hour": ("share_at_hour", "word_at_hour")},
    "of_past": {"of_kind": ("kind_sends", "kind_word")},
}
WORDS = ("ios", "android", "news")
ENCODER = RowEncoder(
    numeric=("campaign_sends", "kind_sends", "share_at_hour", "sends"),
    vocabularies=dict.fromkeys(("campaign", "kind_word", "platform", "word_at_hour"), WORDS),
    n_latents=3,
)


def some(draw: Random, *values: Any) -> Any:
    return draw.choice([None, *values])


def users(draw: Random, n: int) -> list[dict[str, Any]]:
    def past(place: int) -> dict[str, Any]:
        return {"place": place, "kind_sends": some(draw, 7, 8), "kind_word": some(draw, *WORDS, "unseen")}

    made = []
    for number in range(n):
        latents = some(draw, [], [2], [0, 2])
        pasts = draw.sample(range(N_KINDS + 2), draw.randrange(N_KINDS))  # some of places that no offer has
        made.append({
            "user_id": f"u{number}", GROUP: draw.randrange(4), "sends": some(draw, 1, 2),
            "platform": some(draw, *WORDS, "unseen"), "latents": latents,
            "latent_values": None if latents is None else [draw.randrange(1, 9) / 8 for _ in latents],
            "share_at_hour": [some(draw, draw.random()) for _ in range(N_HOURS)],
            "word_at_hour": [some(draw, *WORDS) for _ in range(N_HOURS)],
            "of_kind": some(draw, [past(place) for place in pasts]),
        })  # fmt: skip
    return made


def offers(draw: Random, *groups: int) -> list[dict[str, Any]]:
    return [
        {
            GROUP: group, "campaign_id": f"c{number}", "campaign_sends": draw.randrange(9), "campaign": f"c{number}",
            "kind_sends": 0, "kind_word": None, "of_hour": draw.randrange(N_HOURS), "of_kind": draw.randrange(N_KINDS),
        }
        for group in groups for number in range(draw.randrange(1, 6))
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rows", [1, 7, 10_000])
def test_rows_are_those_of_the_encoder(seed: int, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_rows, "ROWS", rows)
    draw = Random(seed)
    of_users, of_offers = users(draw, 40), offers(draw, 0, 1, 3)  # nothing is offered to group 2
    table = Offers(pa.RecordBatch.from_pylist(of_offers, OFFERS), **CUT)
    pairs = PairRows(ENCODER, table)
    batch = pa.RecordBatch.from_pylist(of_users, USERS)
    found = {
        (of_users[first + user]["user_id"], *of_offers[offer].values()): encoded
        for first, part in ((0, batch.slice(0, 13)), (13, batch.slice(13)))
        for crossed in pairs.crossed(part)
        for user, offer, encoded in zip(crossed.users, crossed.offers, crossed.encoded, strict=True)
    }
    by_hand = list(crossed_by_hand(of_users, of_offers, table))
    assert len(found) == len(by_hand) > 50
    for user, offer, row in by_hand:
        np.testing.assert_array_equal(found[user["user_id"], *offer.values()], ENCODER.encode_one(row))


def test_nobody_and_nothing_give_no_rows() -> None:
    nothing = Offers(pa.RecordBatch.from_pylist([], OFFERS), **CUT)
    batch = pa.RecordBatch.from_pylist(users(Random(0), 3), USERS)
    assert sum(len(one.users) for one in PairRows(ENCODER, nothing).crossed(batch)) == 0
    some_offers = Offers(pa.RecordBatch.from_pylist(offers(Random(0), 0, 1), OFFERS), **CUT)
    assert [*PairRows(ENCODER, some_offers).crossed(batch.slice(0, 0))] == []


def test_a_column_that_no_part_has_is_named() -> None:
    table = Offers(pa.RecordBatch.from_pylist([], OFFERS), **{**CUT, "of_user": ("platform", "latents")})
    with pytest.raises(RowError, match="users and offers have no column 'sends'"):
        PairRows(ENCODER, table)
