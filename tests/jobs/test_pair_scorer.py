"""Users crossed with offers in parts are scored as rows crossed by hand are: by trees in parts, and as whole rows."""

from __future__ import annotations

from random import Random
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
import pytest

from features.places import GROUP
from jobs import pair_scorer
from jobs.pair_parts import Offers, PairParts
from jobs.pair_scorer import PairScorer, encoded_rows
from models.quickscorer import QuickScorer
from models.serving.calibrators import Platt
from models.serving.compact_trees import TreeEnsemble
from models.serving.encoder import RowEncoder
from models.serving.errors import RowError
from models.serving.lightgbm_engine import LightGBMEngine
from models.serving.lightgbm_text import to_lightgbm_text
from models.serving.scorer import Scorer
from models.serving.types import Floats
from models.tree_ensembles import columns_read, from_lightgbm
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
WIDTH = len(ENCODER.columns)


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
@pytest.mark.parametrize("at_once", [1, 7, 10_000])
def test_rows_put_together_are_those_of_the_encoder(seed: int, at_once: int) -> None:
    draw = Random(seed)
    of_users, of_offers = users(draw, 40), offers(draw, 0, 1, 3)  # nothing is offered to group 2
    table = Offers(pa.RecordBatch.from_pylist(of_offers, OFFERS), **CUT)
    pair_parts = PairParts(ENCODER, table)
    batch = pa.RecordBatch.from_pylist(of_users, USERS)
    found = {
        (of_users[first + user]["user_id"], *of_offers[offer].values()): encoded
        for first, part in ((0, batch.slice(0, 13)), (13, batch.slice(13)))
        for parts in (pair_parts.of_batch(part),)
        for pairs in parts.pairs(at_once)
        for user, offer, encoded in zip(pairs.users, pairs.offers, encoded_rows(parts, pairs, WIDTH), strict=True)
    }
    by_hand = list(crossed_by_hand(of_users, of_offers, table))
    assert len(found) == len(by_hand) > 50
    for user, offer, row in by_hand:
        np.testing.assert_array_equal(found[user["user_id"], *offer.values()], ENCODER.encode_one(row))


@pytest.mark.parametrize("by_trees", [True, False])
@pytest.mark.parametrize("at_once", [5, 10_000])
def test_scores_are_those_of_single_rows(by_trees: bool, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROWS", "PAIRS"):
        monkeypatch.setattr(pair_scorer, name, at_once)
    draw = Random(0)
    of_users, of_offers = users(draw, 60), offers(draw, 0, 1, 2, 3)
    table = Offers(pa.RecordBatch.from_pylist(of_offers, OFFERS), **CUT)
    by_hand = list(crossed_by_hand(of_users, of_offers, table))
    trees = some_trees(np.array([ENCODER.encode_one(row) for _, _, row in by_hand]))
    scorer = Scorer(ENCODER, LightGBMEngine(to_lightgbm_text(trees).encode()), Platt(1.1, -0.1))
    batches = iter([pa.RecordBatch.from_pylist(some, USERS) for some in (of_users[:25], [], of_users[25:])])
    found = {
        (batch["user_id"][user].as_py(), *of_offers[offer].values()): p
        for batch, pairs, scores in PairScorer(scorer, QuickScorer(trees) if by_trees else None).scores(table, batches)
        for user, offer, p in zip(pairs.users.tolist(), pairs.offers, scores, strict=True)
    }
    expected = {(user["user_id"], *offer.values()): scorer.score_one(row) for user, offer, row in by_hand}
    assert found == pytest.approx(expected, rel=1e-13)
    assert len({*found.values()}) > 20


def some_trees(rows: Floats) -> TreeEnsemble:
    """Fit some trees that read every column that is not always the same."""
    label = np.random.default_rng(0).integers(0, 2, len(rows))
    told = {"categorical_feature": ENCODER.categorical_positions, "params": {"verbose": -1, "min_data_in_bin": 1}}
    settings = {"objective": "binary", "min_data_in_leaf": 2, "num_leaves": 20, "feature_fraction": 0.2, "verbose": -1}
    of_words = {"min_data_per_group": 1, "cat_smooth": 0, "max_cat_to_onehot": 1}
    data = lightgbm.Dataset(rows, label, **told)
    trees = from_lightgbm(lightgbm.train({**settings, **of_words}, data, 60).model_to_string())
    assert columns_read(trees) == [at for at in range(WIDTH) if len(np.unique(rows[:, at])) > 1]
    return trees


def test_nobody_and_nothing_give_no_pairs() -> None:
    nothing = Offers(pa.RecordBatch.from_pylist([], OFFERS), **CUT)
    batch = pa.RecordBatch.from_pylist(users(Random(0), 3), USERS)
    assert [*PairParts(ENCODER, nothing).of_batch(batch).pairs(9)] == []
    some_offers = Offers(pa.RecordBatch.from_pylist(offers(Random(0), 0, 1), OFFERS), **CUT)
    assert [*PairParts(ENCODER, some_offers).of_batch(batch.slice(0, 0)).pairs(9)] == []


def test_a_column_that_no_part_has_is_named() -> None:
    table = Offers(pa.RecordBatch.from_pylist([], OFFERS), **{**CUT, "of_user": ("platform", "latents")})
    with pytest.raises(RowError, match="users and offers have no column 'sends'"):
        PairParts(ENCODER, table)
