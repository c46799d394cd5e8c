"""What nights leave: the same whether old days are read folded or one by one, and for scoring as for training."""

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
from features.catalogue import blocks_of, feature_schema, keys_of
from features.rows import PRIORS, feature_rows, history_table
from features.time_rules import TimeRules
from jobs import aggregate_day, build_features
from jobs.carried import CARRIED, FOLD_DAYS, PRIOR_SUMS, carried_day, carried_due, carry, drop_carried
from jobs.ingest_counts import COUNTS
from jobs.lake import Lake
from jobs.log_note import LogNote, read_note, write_note
from jobs.scoring_rows import HASHES, raw_rows
from jobs.scoring_sample import scoring_sample
from models.schema import FeatureSchema
from tests.features.chain import accepted
from tests.features.comparison import collected, differences
from tests.features.logs import MIDNIGHT, Log, LogMaker

DS = MIDNIGHT.date()
BEFORE = DS - timedelta(days=1)
TABLES = ("sends", "clicks", "app_events", "users", "campaigns", "devices", "opt_outs")
HISTORIES = tuple(history_table(key) for key in keys_of(TABLES))
HAS = (*TABLES, "app_events:view")
BUILT = (
    "push_partials", "push_outcomes", "app_partials", "bot_flags",
    "requests", "audience", "campaigns_to_come", "priors", *HISTORIES,
)  # fmt: skip


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Give a lake of half a year whose last two nights were built, the first of them from all days."""
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    lake = Lake(spark, str(tmp_path_factory.mktemp("carried")))
    rules = TimeRules()
    log = with_reachable_user(LogMaker(Random(3), timedelta(0)).log())
    frames = accepted(spark, {table: log[table] for table in TABLES}, rules)
    days = [DS - timedelta(days=number) for number in range(173, -1, -1)]
    for table, rows in frames.items():
        lake.write(table, rows.where(F.col("ds").isin(days)), days)
    lake.write(COUNTS, spark.sql("SELECT 1 AS n, current_date() AS ds").limit(0), days)
    for ds in (BEFORE, DS):
        write_note(lake, ds, LogNote("by hand", rules, TABLES, BotRules(max_users_a_device=2), ("view",)))
        night(lake, ds)
    yield lake
    spark.conf.set("spark.sql.shuffle.partitions", str(before))


def with_reachable_user(log: Log, like: str = "u0") -> Log:
    """Add a user who did what another one did, on one device, never left, and is sent a push on the last day."""
    sent = {row["send_id"] for row in log["sends"] if row["user_id"] == like}
    names = {"user_id": "reachable", "device_id": "of reachable"}

    def twins(table: str) -> list[dict[str, Any]]:
        of_user = [row for row in log[table] if row.get("user_id") == like or row.get("send_id") in sent]
        ids = [{name: f"{row[name]} again" for name in ("send_id", "event_id") if name in row} for row in of_user]
        kept = [{name: value for name, value in names.items() if name in row} for row in of_user]
        return [{**row, **new, **name} for row, new, name in zip(of_user, ids, kept, strict=True)]

    more = {table: twins(table) for table in ("sends", "clicks", "app_events", "users", "devices")}
    at = MIDNIGHT + timedelta(hours=10)
    more["sends"].append({"send_id": "last", **names, "campaign_id": "c0", "sent_at": at, "ingested_at": at})
    more["devices"] = [{**row, "push_enabled": True} for row in more["devices"]]
    return {table: [*rows, *more.get(table, [])] for table, rows in log.items()}


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


def test_a_night_with_carried_state_writes_what_one_without_it_writes(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = read_note(lake, DS)
    (oldest,) = lake.read("requests", since=DS, until=DS).agg(F.min("as_of")).first() or (None,)
    folded = carried_due(BEFORE)
    assert carried_day(lake, note, oldest) == folded, "the second night has read the first one's fold"
    assert lake.days(PRIOR_SUMS)[-2:] == [BEFORE, DS]
    with_state = built(lake)
    assert all(rows for table, rows in with_state.items() if table != "bot_flags")
    drop_carried(lake, since=date.min)
    with monkeypatch.context() as patch:
        patch.setattr(build_features, "carry", lambda *_: None)
        night(lake, DS)
    assert built(lake) == with_state
    assert carried_day(lake, note, DS) is None, "all days were read"
    drop_carried(lake, since=date.min)
    night(lake, DS)
    assert built(lake) == with_state
    assert carried_day(lake, note, oldest) == folded + timedelta(days=1), "this night's own fold was read"


def test_a_send_is_trained_on_with_the_row_that_scoring_would_have_built(lake: Lake) -> None:
    of_night = {"since": DS, "until": DS}
    asked = lake.read("requests", **of_night).where(F.col("as_of") == F.lit(DS)).drop("ds")
    audience = lake.read("audience", since=BEFORE, until=BEFORE).where("left_out IS NULL")
    people, key = audience.select("user_id", "device_id", "as_of").persist(), ("user_id", "campaign_id", "send_at")
    to_come = asked.selectExpr("campaign_id", "send_at", "cast(null as int) AS local_hour").distinct()
    lake.write("campaigns_to_come", to_come.withColumn("ds", F.lit(BEFORE)).localCheckpoint(), [BEFORE])

    histories = {key: lake.read(history_table(key), **of_night).drop("ds") for key in keys_of(HAS)}
    trained = feature_rows(asked, histories, lake.read(PRIORS, **of_night).drop("ds"), HAS)
    scored = raw_rows(lake, BEFORE)
    same_device = trained.drop("send_id", "as_of").join(people.drop("as_of"), ["user_id", "device_id"], how="semi")
    of_audience = trained.drop("send_id", "as_of").join(people.select("user_id"), "user_id", how="semi")
    of_any = of_audience.drop("device_id", *of_devices())
    for rows, at_least in ((same_device, 1), (of_any, 2)):
        expected = collected(rows, *key)
        assert len(expected) >= at_least
        found = collected(scored.select(*rows.columns), *key)
        assert differences({name: found[name] for name in expected}, expected, tolerance=0.0) == ""


def test_a_sample_of_the_night_is_some_of_the_rows_that_are_scored(lake: Lake) -> None:
    schema = FeatureSchema.from_json(feature_schema(HAS))
    people = lake.read("audience", since=DS, until=DS).where("left_out IS NULL")
    rows = raw_rows(lake, DS).orderBy("user_id", "campaign_id", "send_at").toArrow()
    found = scoring_sample(lake, DS, schema)
    assert found is not None
    assert [*found] == [*schema.numeric, *schema.categorical]
    assert found["user_sends_all"].tolist() == rows["user_sends_all"].to_pylist()
    assert found["campaign"].tolist() == rows["campaign"].to_pylist()

    (hashed,) = people.selectExpr(f"pmod(xxhash64(user_id), {HASHES})").first() or ()
    for share, kept in ((hashed, 0), (hashed + 1, len(rows))):
        of_share = raw_rows(lake, DS, share=share / HASHES)
        assert of_share.count() == kept
    assert scoring_sample(lake, DS + timedelta(days=1), schema) is None, "no audience yet"


def of_devices() -> list[str]:
    """Name the features that depend on the device that is sent to."""
    kinds = {"device_id", "model", "os_version", "platform"}
    return [feature.name for block in blocks_of(HAS) if kinds & {*block.key} for feature in block.features]


def test_a_fold_is_made_when_enough_days_have_piled_up(lake: Lake) -> None:
    note = read_note(lake, DS)
    first = carried_day(lake, note, DS)
    assert first is not None
    assert carry(lake, note, DS + timedelta(days=FOLD_DAYS - 1)) is None
    assert carry(lake, note, DS + timedelta(days=FOLD_DAYS)) == first + timedelta(days=FOLD_DAYS)
    assert all(lake.days(table) == [first, first + timedelta(days=FOLD_DAYS)] for table in CARRIED)
    assert carried_day(lake, note, DS) == first, "a fold that holds days within a window does not serve"


def test_an_old_day_that_is_aggregated_again_drops_the_folds_that_hold_it(lake: Lake) -> None:
    note = read_note(lake, DS)
    *_, fold = lake.days(CARRIED[0])
    night(lake, DS, aggregate_day)
    assert lake.days(CARRIED[0])[-1] == fold
    write_note(lake, fold, note)
    night(lake, fold, aggregate_day)
    assert fold not in [day for table in CARRIED for day in lake.days(table)]
    assert lake.days(PRIOR_SUMS) == [], "they all held it"
    assert [path for path in Path(lake.root).glob(f"carried_*/*/ds={fold}") if path.is_dir()] == []
