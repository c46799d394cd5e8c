"""Old days folded into one answer every later midnight as all those days do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.feature import History, Key, PriorSums
from features.folding import FOLDS, PUSH_FOLDS, folded, folded_pushes, last_foldable, summed
from features.returns import still_gone
from features.rows import prior_sums
from features.time_rules import TimeRules
from features.windows import MEMORY_DAYS
from tests.features.chain import ALL_TABLES, contract_frame, rows_for
from tests.features.comparison import collected, differences
from tests.features.conftest import World
from tests.features.logs import DAY, MIDNIGHT

AS_OF = MIDNIGHT.date()


def carried(history: History, *steps: int) -> History:
    """Fold each table as far as ``AS_OF`` allows, first up to so many days before that, and drop what nothing reads."""

    def whole(name: str) -> DataFrame:
        rows = history.table(name)
        for days in (*steps, 0):
            until = last_foldable(AS_OF) - timedelta(days=days)
            later = rows.where(F.col("ds") > F.lit(until))
            rows = folded(name, rows, until).unionByName(later, allowMissingColumns=True)
        return rows

    remembered = F.col("ds") >= F.lit(AS_OF - timedelta(days=MEMORY_DAYS))
    late = history.table("outcomes").where(remembered)
    return replace(history, outcomes=late, **{name: whole(name) for name in FOLDS}, **pushes_carried(history, *steps))


def pushes_carried(history: History, *steps: int) -> dict[str, Any]:
    """Fold pushes by each key."""
    old: dict[Key, DataFrame] = {}
    for key in PUSH_FOLDS:
        rows = history.pushes
        for days in (*steps, 0):
            until = last_foldable(AS_OF) - timedelta(days=days)
            later = history.pushes.where(F.col("ds") > F.lit(until))
            old[key] = folded_pushes(rows, key, until)
            rows = old[key].unionByName(later, allowMissingColumns=True)
    before = AS_OF - timedelta(days=3)
    days = history.pushes.sparkSession.createDataFrame([(before - timedelta(days=1),), (before,)], "ds date")
    stored = PriorSums(prior_sums(days, history, ALL_TABLES).localCheckpoint(), before)
    return {"pushes": later, "old_pushes": old, "old_sums": summed(old), "prior_sums": stored}


@pytest.mark.usefixtures("one_partition")
def test_folded_days_give_the_same_features(world: World) -> None:
    later = world.requests.where(F.col("as_of") >= F.lit(AS_OF))
    history = carried(world.history, 9)
    assert 0 < history.pushes.count() < world.history.pushes.count()
    assert not history.old_pairs().isEmpty()
    found = collected(rows_for(later, history))
    assert len(found) > 20
    expected = {name: row for name, row in world.rows.items() if row["as_of"] >= AS_OF}
    assert differences(found, expected) == ""


@pytest.mark.usefixtures("one_partition")
def test_many_campaigns_are_found_as_few_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def pairs(history: History) -> list[str]:
        frame = history.old_pairs()
        return sorted(map(repr, frame.select(*sorted(frame.columns)).collect()))

    history = carried(world.history)
    few = pairs(history)
    assert few
    monkeypatch.setattr("features.some_campaigns.MOST_NAMED", 0)
    assert pairs(replace(history)) == few


@pytest.mark.usefixtures("one_partition")
def test_folded_days_know_the_same_returns(world: World) -> None:
    opt_outs = world.history.table("opt_outs")
    of_all, of_folded = (still_gone(opt_outs, of.devices, AS_OF) for of in (world.history, carried(world.history, 9)))
    found = sorted(map(repr, of_folded.collect()))
    assert found == sorted(map(repr, of_all.collect()))
    assert 0 < len(found) < opt_outs.where(F.col("ds") < F.lit(AS_OF)).count(), "some came back, some did not"


@pytest.mark.usefixtures("one_partition")
def test_a_fold_remembers_that_pushes_were_off_between_two_times_on(spark: SparkSession) -> None:
    left_at = MIDNIGHT - 120 * DAY
    opted_out = {"user_id": "u", "kind": "opt_out", "occurred_at": left_at, "ingested_at": left_at}
    opt_outs = contract_frame(spark, "opt_outs", [opted_out], TimeRules())
    changes = [
        {"user_id": "u", "device_id": "d", "push_enabled": days != 1, "updated_at": at, "ingested_at": at}
        for days in (-1, 1, 2, 3)
        for at in [left_at + days * DAY]
    ]
    devices = folded("devices", contract_frame(spark, "devices", changes, TimeRules()), last_foldable(AS_OF))
    assert still_gone(opt_outs, devices, AS_OF).collect() == []


@pytest.mark.usefixtures("one_partition")
@pytest.mark.parametrize("name", FOLDS)
def test_folding_again_is_folding_once(world: World, name: str) -> None:
    until = last_foldable(AS_OF)
    once = folded(name, world.history.table(name), until)
    twice = folded(name, carried(world.history, 20, 3).table(name), until)
    assert sorted(map(repr, twice.collect())) == sorted(map(repr, once.collect()))


@pytest.mark.usefixtures("one_partition")
@pytest.mark.parametrize("key", PUSH_FOLDS, ids="-".join)
def test_folding_pushes_again_is_folding_them_once(world: World, key: Key) -> None:
    until = last_foldable(AS_OF)
    once = folded_pushes(world.history.pushes, key, until)
    twice = carried(world.history, 20, 3).old_pushes[key]
    assert sorted(map(repr, twice.collect())) == sorted(map(repr, once.collect()))


@pytest.mark.usefixtures("one_partition")
def test_who_asks_for_what_no_fold_tells_apart_is_told(world: World) -> None:
    with pytest.raises(KeyError, match="device_id"):
        carried(world.history).pushes_by("device_id", "campaign_id")
