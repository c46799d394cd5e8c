"""Nights that read old days folded write what nights that read all days write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.bots import BotRules
from features.time_rules import TimeRules
from jobs import aggregate_day, build_features
from jobs.carried import CARRIED, FOLD_DAYS, PUSHES, carried_day, carried_due, carry, drop_carried
from jobs.ingest_counts import COUNTS
from jobs.lake import Lake
from jobs.log_note import LogNote, read_note, write_note
from tests.features.chain import accepted
from tests.features.logs import MIDNIGHT, LogMaker

DS = MIDNIGHT.date()
BEFORE = DS - timedelta(days=1)
TABLES = ("sends", "clicks", "campaigns", "devices", "opt_outs")
BUILT = (
    "push_partials", "bot_flags", "requests", "audience", "campaigns_to_come", "priors", "history_of_user",
    "history_of_device", "history_of_campaign", "history_of_user_category",
)  # fmt: skip


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Give a lake of half a year whose last two nights were built, the first of them from all days."""
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    lake = Lake(spark, str(tmp_path_factory.mktemp("carried")))
    rules = TimeRules()
    log = LogMaker(Random(3), timedelta(0)).log()
    frames = accepted(spark, {table: log[table] for table in TABLES}, rules)
    days = [DS - timedelta(days=number) for number in range(173, -1, -1)]
    for table, rows in frames.items():
        lake.write(table, rows.where(F.col("ds").isin(days)), days)
    lake.write(COUNTS, spark.sql("SELECT 1 AS n, current_date() AS ds").limit(0), days)
    for ds in (BEFORE, DS):
        write_note(lake, ds, LogNote("by hand", rules, TABLES, BotRules(max_users_a_device=2)))
        night(lake, ds)
    yield lake
    spark.conf.set("spark.sql.shuffle.partitions", str(before))


def night(lake: Lake, ds: date, *jobs: Any) -> None:
    for job in jobs or (aggregate_day, build_features):
        job.run(lake._spark, job.arg_parser().parse_args(f"--root {lake.root} --ds {ds}".split()))


def built(lake: Lake) -> dict[str, list[str]]:
    return {
        table: sorted(
            row.j for row in lake.read(table, since=DS, until=DS).selectExpr("to_json(struct(*)) j").collect()
        )
        for table in BUILT
    }


def test_a_night_with_carried_state_writes_what_one_without_it_writes(lake: Lake) -> None:
    note = read_note(lake, DS)
    (oldest,) = lake.read("requests", since=DS, until=DS).agg(F.min("as_of")).first() or (None,)
    folded = carried_due(BEFORE)
    assert carried_day(lake, note, oldest) == folded, "the second night has read the first one's fold"
    with_state = built(lake)
    assert all(rows for table, rows in with_state.items() if table != "bot_flags")
    drop_carried(lake, since=date.min)
    night(lake, DS)
    assert built(lake) == with_state
    assert carried_day(lake, note, DS) == folded + timedelta(days=1), "rebuilt from all days"


def test_a_fold_is_made_when_enough_days_have_piled_up(lake: Lake) -> None:
    note = read_note(lake, DS)
    first = carried_day(lake, note, DS)
    assert first is not None
    assert carry(lake, note, DS + timedelta(days=FOLD_DAYS - 1)) is None
    assert carry(lake, note, DS + timedelta(days=FOLD_DAYS)) == first + timedelta(days=FOLD_DAYS)
    assert lake.days(f"carried_{PUSHES}") == [first, first + timedelta(days=FOLD_DAYS)]
    assert carried_day(lake, note, DS) == first, "a fold that holds days within a window does not serve"


def test_an_old_day_that_is_aggregated_again_drops_the_folds_that_hold_it(lake: Lake) -> None:
    note = read_note(lake, DS)
    *_, fold = lake.days(f"carried_{PUSHES}")
    night(lake, DS, aggregate_day)
    assert lake.days(f"carried_{PUSHES}")[-1] == fold
    write_note(lake, fold, note)
    night(lake, fold, aggregate_day)
    assert fold not in [day for table in CARRIED for day in lake.days(table)]
    assert [path for path in Path(lake.root).glob(f"carried_*/*/ds={fold}") if path.is_dir()] == []
