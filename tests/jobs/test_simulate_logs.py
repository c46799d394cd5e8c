from __future__ import annotations

import itertools
import math
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from features.contract import TABLES
from jobs import simulate_logs
from jobs.errors import BadInput
from jobs.simulation.catalogue import CATEGORIES, EVENT_NAMES
from jobs.simulation.click_model import with_fatigue
from jobs.simulation.parameters import Parameters
from jobs.simulation.tables import simulated_tables

TRUTH = {"true_click_probability", "true_interests", "true_bots"}
START = pd.Timestamp("2026-01-01")

Log = dict[str, pd.DataFrame]


def simulate(spark: SparkSession, p: Parameters, *, only: set[str] | None = None, partitions: int | None = None) -> Log:
    tables = simulated_tables(spark, p, partitions=partitions)
    return {name: rows.toPandas() for name, rows in tables if only is None or name in only}


@pytest.fixture(scope="module")
def parameters() -> Parameters:
    """Give a log that is large enough for shares to show, with more bots and comers and goers than usual."""
    return Parameters(
        users=1_000, days=14, sends=10_000, bot_share=0.01, uninstall_share=0.1, opt_out_share=0.1, new_device_share=0.2
    )


@pytest.fixture(scope="module")
def log(spark: SparkSession, parameters: Parameters) -> Log:
    return simulate(spark, parameters)


@pytest.fixture(scope="module")
def outcomes(log: Log) -> pd.DataFrame:
    """Give each send once, with the truth, whether a person sent it, and its click within 24 hours."""
    sends = log["sends"].sort_values("ingested_at").drop_duplicates("send_id")
    clicks = log["clicks"].drop_duplicates("send_id").rename(columns={"ingested_at": "click_ingested_at"})
    rows = sends.merge(log["true_click_probability"], on="send_id").merge(clicks, on="send_id", how="left")
    in_time = rows["clicked_at"] - rows["sent_at"] <= pd.Timedelta("24h")
    return rows.assign(
        clicked=rows["action"].isin(["open", "button"]) & in_time, bot=rows["user_id"].isin(log["true_bots"]["user_id"])
    )


def test_the_job_writes_the_contract_and_the_truth_even_for_the_smallest_log(
    spark: SparkSession, tmp_path: Path
) -> None:
    arguments = ["--output", str(tmp_path), "--users", "100", "--days", "3", "--sends", "1000"]
    simulate_logs.run(spark, simulate_logs.arg_parser().parse_args(arguments))
    assert {folder.name for folder in tmp_path.iterdir()} == TRUTH | (TABLES.keys() - {"deletions"})
    for name in TABLES.keys() - {"deletions"}:
        frame = spark.read.parquet(f"{tmp_path}/{name}")
        types = {column.name: column.type for column in TABLES[name].columns}
        assert frame.dtypes == [(column, types[column]) for column in frame.columns]
        assert {column.name for column in TABLES[name].columns if column.required} <= set(frame.columns)
    assert spark.read.parquet(f"{tmp_path}/true_click_probability").count() == pytest.approx(1000, rel=0.1)


def test_rows_depend_on_the_seed_but_not_on_the_partitions(spark: SparkSession) -> None:
    p = Parameters(users=40, days=4, sends=300)
    tables = {"sends", "clicks", "true_click_probability", "app_events", "devices"}
    one, three = (simulate(spark, p, only=tables, partitions=number) for number in (1, 3))
    for name in tables:
        pd.testing.assert_frame_equal(in_order(one[name]), in_order(three[name]), check_exact=True)
    other = simulate(spark, Parameters(users=40, days=4, sends=300, seed=8), only={"sends"})
    assert not set(other["sends"]["sent_at"]) & set(one["sends"]["sent_at"])


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(frame.columns), ignore_index=True)


def test_people_click_3_to_6_percent_and_as_often_as_the_truth_says(outcomes: pd.DataFrame) -> None:
    mature = outcomes[outcomes["sent_at"] < outcomes["sent_at"].max() - pd.Timedelta("24h")]
    people = mature[~mature["bot"]]
    assert 0.03 < people["clicked"].mean() < 0.06
    for rows in (people, mature[mature["bot"]]):
        p = rows["p_true"]
        spread = math.sqrt((p * (1 - p)).sum())
        assert abs(rows["clicked"].sum() - p.sum()) < 4 * spread


def test_the_truth_ranks_clicks_in_each_tenth(outcomes: pd.DataFrame) -> None:
    people = outcomes[~outcomes["bot"]]
    tenths = people.groupby(pd.qcut(people["p_true"], 10, labels=False))["clicked"].mean()
    assert tenths.iloc[9] > 4 * tenths.iloc[:5].mean()


def test_interests_show_in_clicks_and_in_app_events(log: Log, outcomes: pd.DataFrame) -> None:
    interests = log["true_interests"].set_index("user_id")["interests"]
    assert interests.map(len).between(1, 4).all()
    assert interests.map(lambda found: len(set(found)) == len(found)).all()
    named = interests.map(lambda found: {CATEGORIES[position] for position in found})
    sends = outcomes[~outcomes["bot"]].merge(log["campaigns"][["campaign_id", "category"]], on="campaign_id")
    matches = [category in named[user] for user, category in zip(sends["user_id"], sends["category"], strict=True)]
    assert sends[matches]["p_true"].mean() > 2 * sends[[not match for match in matches]]["p_true"].mean()
    events = log["app_events"]
    assert set(events["event_name"]) <= set(EVENT_NAMES)
    own = [
        name.split("_")[0] in named[user] for user, name in zip(events["user_id"], events["event_name"], strict=True)
    ]
    assert sum(own) > 0.2 * len(events)


def test_each_ignored_push_makes_the_next_click_less_likely_until_one_comes(spark: SparkSession) -> None:
    p = Parameters()
    luck = [1.0] * 15 + [0.0, 1.0, 1.0]
    columns = "user long, slot int, sent_ms long, ignored_before int, bot boolean, logit double, luck double"
    rows = [(user, slot, -slot, 0, user == 2, -2.0, luck[-slot]) for user in (1, 2) for slot in range(0, -18, -1)]
    found = with_fatigue(spark.createDataFrame(rows, columns), p).orderBy("user", "sent_ms").toPandas()
    person = found[found["user"] == 1]
    assert person["ignored"].tolist() == [*range(16), 0, 1]
    chances = person["p_click"].tolist()
    assert all(later < earlier for earlier, later in itertools.pairwise(chances[: p.fatigue_cap + 1]))
    assert set(chances[p.fatigue_cap : 16]) == {chances[p.fatigue_cap]}
    assert chances[16] == chances[0] == 1 / (1 + math.exp(2.0))
    assert found[found["user"] == 2]["p_click"].nunique() == 1


@pytest.mark.parametrize(("table", "key"), [("sends", "send_id"), ("clicks", "send_id"), ("app_events", "event_id")])
def test_duplicates_are_the_same_row_known_later(log: Log, parameters: Parameters, table: str, key: str) -> None:
    rows = log[table].sort_values([key, "ingested_at"])
    again = rows.duplicated(key)
    share_is(again.sum() / (~again).sum(), parameters.duplicate_share, (~again).sum())
    twice = rows[rows.duplicated(key, keep=False)]
    content = [column for column in rows.columns if column != "ingested_at"]
    assert twice.duplicated(content).sum() == again.sum()
    assert (twice.groupby(key)["ingested_at"].nunique() == 2).all()


@pytest.mark.parametrize(
    ("table", "happened", "share"),
    [
        ("sends", "sent_at", "late_send_share"),
        ("clicks", "clicked_at", "late_share"),
        ("app_events", "occurred_at", "late_share"),
    ],
)
def test_rows_become_known_soon_or_late(
    log: Log, parameters: Parameters, table: str, happened: str, share: str
) -> None:
    rows = log[table].sort_values("ingested_at").drop_duplicates([log[table].columns[0]])
    delay = rows["ingested_at"] - rows[happened]
    late = delay >= pd.Timedelta("3h")
    share_is(late.mean(), getattr(parameters, share), len(rows))
    assert delay.min() >= pd.Timedelta(0)
    assert delay.max() <= pd.Timedelta("72h")
    assert delay[~late].max() <= pd.Timedelta("30min")


def test_gaps_and_flags_come_at_their_rates(log: Log, outcomes: pd.DataFrame, parameters: Parameters) -> None:
    p, events, devices = parameters, log["app_events"], log["devices"]
    people = outcomes[~outcomes["bot"]]
    clicked, not_clicked = people[people["action"].isin(["open", "button"])], people[~people["clicked"]]
    first = log["users"].sort_values("updated_at").drop_duplicates("user_id")
    for found, share in (
        (outcomes["device_id"].isna(), p.missing_device_share),
        (outcomes["delivered_at"].isna(), p.undelivered_share),
        (outcomes["hold_back"], p.hold_back_share),
        (events["device_id"].isna(), p.missing_device_share),
        (events["duration_s"].isna(), p.missing_duration_share),
        (devices["os_version"].isna(), p.missing_os_share),
        (first["timezone"].isna(), p.missing_timezone_share),
        (first["signed_up_at"] >= START, p.new_share),
        (clicked["action"] == "button", p.button_share),
        (not_clicked["action"] == "dismiss", p.dismiss_share),
    ):
        share_is(found.mean(), share, len(found))
    for kind, share in (("opt_out", p.opt_out_share), ("uninstall", p.uninstall_share)):
        share_is((log["opt_outs"]["kind"] == kind).sum() / p.users, share, p.users)
    share_is((devices.groupby("user_id")["device_id"].nunique() == 2).sum() / p.users, p.new_device_share, p.users)
    share_is(len(log["true_bots"]) / p.users, p.bot_share, p.users)


def share_is(found: float, expected: float, rows: int) -> None:
    """Compare with four standard deviations, and a tenth of the rate for what the period's end cuts off."""
    assert abs(found - expected) <= 4 * math.sqrt(expected * (1 - expected) / rows) + 0.1 * expected


def test_nothing_happens_outside_a_users_stay(log: Log, parameters: Parameters) -> None:
    happened = [
        (log["sends"], "sent_at"),
        (log["app_events"], "occurred_at"),
        (log["clicks"].merge(log["sends"][["send_id", "user_id"]].drop_duplicates(), on="send_id"), "clicked_at"),
    ]
    signed_up = log["users"].drop_duplicates("user_id").set_index("user_id")["signed_up_at"]
    leaving = log["opt_outs"].set_index("user_id")
    removed = leaving[leaving["kind"] == "uninstall"]["occurred_at"]
    for rows, time in happened:
        assert (rows[time] >= rows["user_id"].map(signed_up)).all()
        assert not (rows[time] >= rows["user_id"].map(removed)).any()
        assert rows[time].between(START, START + timedelta(days=parameters.days), inclusive="left").all()
    sends = log["sends"]
    assert not (sends["sent_at"] >= sends["user_id"].map(leaving["occurred_at"])).any()
    assert not (log["app_events"]["user_id"].isin(leaving[leaving["kind"] == "opt_out"].index)).empty


def test_ids_refer_to_rows_known_before(log: Log) -> None:
    sends = log["sends"]
    campaigns = log["campaigns"].set_index("campaign_id")["ingested_at"]
    assert (sends["campaign_id"].map(campaigns) < sends["sent_at"]).all()
    begun = log["devices"].groupby("device_id")["updated_at"].min()
    with_device = sends[sends["device_id"].notna()]
    assert (with_device["device_id"].map(begun) <= with_device["sent_at"]).all()


def test_bots_click_nearly_everything_at_once(outcomes: pd.DataFrame) -> None:
    bots = outcomes[outcomes["bot"]]
    assert bots["clicked"].mean() > 0.9
    took = (outcomes["clicked_at"] - outcomes["sent_at"])[outcomes["action"].notna()]
    assert took[outcomes["bot"]].max() <= pd.Timedelta("200ms")
    assert took[~outcomes["bot"]].min() >= pd.Timedelta("2s")
    assert (outcomes["delivered_at"].isna() | ~(outcomes["delivered_at"] > outcomes["clicked_at"])).all()


def test_plans_are_for_the_day_after_and_known_before_it(log: Log, parameters: Parameters) -> None:
    end = START + timedelta(days=parameters.days)
    plans = log["plans"]
    assert len(plans) == parameters.plan_campaigns
    assert plans["send_at"].between(end, end + timedelta(days=1), inclusive="left").all()
    assert (plans["known_at"] < end).all()
    lately = log["sends"][log["sends"]["sent_at"] >= end - timedelta(days=7)]
    assert set(plans["campaign_id"]) <= set(lately["campaign_id"])


@pytest.mark.parametrize(
    "wrong", [{"users": 0}, {"days": 0}, {"sends": -1}, {"late_share": 1.5}, {"start": date(9999, 12, 31)}]
)
def test_parameters_that_make_no_log_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        Parameters(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [["--users", "0"], ["--sends", "many"], ["--start", "January"]])
def test_bad_arguments_end_with_one_line_and_status_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        simulate_logs.arg_parser().parse_args(["--output", "anywhere", *wrong])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
