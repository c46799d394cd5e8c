"""Features go to the part that has all that they need."""

from __future__ import annotations

import pytest

from features.cut_features import cut_features
from features.feature import PAIR, Feature

PEOPLE, USERS = ("user_id", "as_of", "model", "platform"), ("user_id", "as_of", "sends")
OFFERS = ("campaign_id", "as_of", "hour", "platform", "category")
PASTS = {PAIR: ("user_id", "campaign_id", "as_of", "pair_sends"), ("user_id", "category"): ("category", "kind_sends")}


def feature(name: str, expression: str) -> Feature:
    return Feature(name, expression, "bigint", "", "")


def test_a_feature_goes_where_all_is_that_it_needs() -> None:
    cut = cut_features(
        [
            feature("a", "coalesce(sends, 0)"),
            feature("b", "hour + 1"),
            feature("c", "sends + hour"),
            feature("d", "datediff(as_of, date'2026-01-01')"),
            feature("e", "pair_sends + datediff(as_of, date'2026-01-01')"),
            feature("f", "kind_sends"),
            feature("g", "if(category = 'x' AND platform = 'hours', sends, hour)"),
            feature("h", "model"),
        ],
        PEOPLE, USERS, OFFERS, PASTS,
    )  # fmt: skip
    assert [one.name for one in cut.of_person] == ["d", "h"]
    assert [one.name for one in cut.of_user] == ["a"]
    assert [one.name for one in cut.of_offer] == ["b"]
    assert {names: [one.name for one in ones] for names, ones in cut.of_moment.items()} == {
        ("hour",): ["c"], ("category", "hour", "platform"): ["g"],
    }  # fmt: skip
    assert {key: [one.name for one in ones] for key, ones in cut.of_past.items()} == {
        PAIR: ["e"], ("user_id", "category"): ["f"],
    }  # fmt: skip
    assert cut.shared_names == [("hour",), ("category", "hour", "platform"), ("campaign_id",), ("category",)]


@pytest.mark.parametrize("other", ["hour", "sends", "kind_sends", "model"])
def test_a_past_and_something_else_is_refused_by_name(other: str) -> None:
    with pytest.raises(ValueError, match=rf"feature a needs {other}; expected the past of .*campaign_id.* alone"):
        cut_features([feature("a", f"pair_sends / {other}")], PEOPLE, USERS, OFFERS, PASTS)


def test_a_user_and_a_device_that_only_people_have_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="feature a needs model; expected users and offers alone"):
        cut_features([feature("a", "concat(model, sends)")], PEOPLE, USERS, OFFERS, PASTS)
