"""What is said of features: shares that can be counted by hand, and an index that is nothing where nothing moved."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from models.batch import ArrayBatch
from models.feature_health import FLOOR, health, population_stability_index, profiles, worst
from models.schema import Feature, FeatureSchema

SCHEMA = FeatureSchema("h", (Feature("sends", "bigint", "numeric"), Feature("platform", "string", "categorical")))


def batch(sends: list[float], platforms: list[str | None]) -> ArrayBatch:
    return {"sends": np.array(sends), "platform": np.array(platforms, dtype=object)}


LEARNED = batch([*range(1, 9), math.nan, math.nan], [*["ios"] * 6, *["android"] * 3, None])


def test_profiles_count_what_is_there() -> None:
    sends, platform = json.loads(json.dumps(profiles([LEARNED], SCHEMA)))
    assert (sends["rows"], sends["nulls"], sends["mean"]) == (10, pytest.approx(0.2), 4.5)
    assert sends["quantiles"] == [1, 1, 2, 4, 6, 8, 8]
    assert sends["cuts"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert sends["shares"] == pytest.approx([*[0.1] * 8, 0.0, 0.2])  # the last two: above all cuts, null
    assert (platform["mean"], platform["quantiles"]) == (None, None)
    assert (platform["cuts"], platform["shares"]) == (["ios", "android"], [0.6, 0.3, 0.0, 0.1])


def test_rows_that_are_alike_have_not_moved_however_they_are_ordered() -> None:
    again = {name: column[::-1] for name, column in LEARNED.items()}
    found = health(profiles([LEARNED], SCHEMA), again)
    assert [one["psi"] for one in found] == [0, 0]
    assert [one["trained"] == {key: one[key] for key in one["trained"]} for one in found] == [True, True]
    halves = [{name: column[part] for name, column in LEARNED.items()} for part in (slice(4), slice(4, None))]
    assert profiles(halves, SCHEMA) == profiles([LEARNED], SCHEMA)


def test_the_index_is_that_of_the_shares_by_hand() -> None:
    by_hand = (0.5 - 0.2) * math.log(0.5 / 0.2) + (0.5 - 0.8) * math.log(0.5 / 0.8)
    assert population_stability_index([0.2, 0.8], [0.5, 0.5]) == pytest.approx(by_hand)
    empty = (0.5 - FLOOR) * math.log(0.5 / FLOOR) + (0.5 - 1) * math.log(0.5 / 1)
    assert population_stability_index([0, 1], [0.5, 0.5]) == pytest.approx(empty)


def test_the_worst_are_named() -> None:
    now = batch([math.nan] * 10, [*["ios"] * 6, *["windows"] * 3, None])
    found = health(profiles([LEARNED], SCHEMA), now)
    sends, platform = found
    assert (sends["nulls"], sends["mean"], sends["quantiles"]) == (1, None, None)
    assert sends["psi"] > 5
    # Three of ten rows moved from android to words that were not seen, whose bin was empty.
    assert platform["psi"] == pytest.approx(2 * (0.3 - FLOOR) * math.log(0.3 / FLOOR))
    assert worst(found) == {
        "psi": {"feature": "sends", "value": max(sends["psi"], platform["psi"])},
        "null_rise": {"feature": "sends", "value": pytest.approx(0.8)},
    }


def test_a_feature_that_was_always_null_has_no_bins() -> None:
    nothing = batch([math.nan] * 2, [None] * 2)
    found = health(profiles([nothing], SCHEMA), batch([1.0, math.nan], ["ios", None]))
    assert [one["nulls"] for one in found] == [0.5, 0.5]
    assert all(one["psi"] > 1 for one in found)
    assert [one["psi"] for one in health(profiles([nothing], SCHEMA), nothing)] == [0, 0]
