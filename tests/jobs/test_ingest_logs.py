from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import ingest_logs
from jobs.errors import BadInput
from jobs.lake import Lake

MAPPING = """
[time]
attribution_window = "24h"
lateness_allowance = "24h"
[sends]
source = "sends.csv"
format = "csv"
options = { header = true }
[sends.columns]
send_id = "id"
user_id = "user"
campaign_id = "campaign"
sent_at = "at"
ingested_at = "known"
[clicks]
source = "clicks.csv"
format = "csv"
options = { header = true }
[clicks.columns]
send_id = "id"
clicked_at = "at"
action = "what"
ingested_at = "known"
"""
SENDS = """id,user,campaign,at,known
s1,u1,c1,2026-01-01 10:00:00,2026-01-01 10:01:00
s1,u1,c1,2026-01-01 10:00:00,2026-01-01 10:05:00
s2,u2,c1,2026-01-01 11:00:00,2026-01-02 01:00:00
s3,u2,c1,yesterday,2026-01-01 11:00:00
s4,,c1,2026-01-01 12:00:00,2026-01-01 12:00:00
s5,u3,c1,2026-01-01 12:00:00,2026-01-01 11:00:00
s6,u3,c1,2026-01-02 12:00:00,2026-01-02 12:00:00
s7,u3,c1,2026-01-03 12:00:00,2026-01-03 12:00:00
"""
# s1 comes twice; s2 is late; s3, s4 and s5 break the contract; s7 is not known before January 3rd
CLICKS = """id,at,what,known
s1,2026-01-01 10:30:00,open,2026-01-01 10:31:00
s1,2026-01-01 10:40:00,button,2026-01-01 10:41:00
s2,2026-01-01 11:30:00,open,2026-01-01 11:31:00
s1,2026-01-01 09:00:00,open,2026-01-01 09:01:00
s9,2026-01-02 09:00:00,open,2026-01-02 09:01:00
s6,2026-01-02 12:30:00,stare,2026-01-02 12:31:00
"""
# the second click of s1 counts no more; s2's waits for its send; one is before its send; s9 is unknown
ONE, TWO, THREE = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)

Ingest = Callable[..., Lake]


@pytest.fixture(scope="module", autouse=True)
def _one_partition(spark: SparkSession) -> Iterator[None]:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    yield
    spark.conf.set("spark.sql.shuffle.partitions", str(before))


@pytest.fixture
def ingest(spark: SparkSession, tmp_path: Path) -> Ingest:
    def run(
        ds: date, *, sends: str = SENDS, clicks: str = CLICKS, mapping: str = MAPPING, more: str = "--max-bad-share 0.9"
    ) -> Lake:
        (tmp_path / "logs").mkdir(exist_ok=True)
        for name, text in (("my.toml", mapping), ("logs/sends.csv", sends), ("logs/clicks.csv", clicks)):
            (tmp_path / name).write_text(text)
        words = f"--root {tmp_path}/lake --ds {ds} --mapping {tmp_path}/my.toml --input {tmp_path}/logs {more}"
        ingest_logs.run(spark, ingest_logs.arg_parser().parse_args(words.split()))
        return Lake(spark, f"{tmp_path}/lake")

    return run


def counts(lake: Lake) -> dict[tuple[str, date], tuple[int, ...]]:
    names = ("read", "accepted", "quarantined", "duplicates", "not_yet_known")
    rows = lake.read("ingest_counts").collect()
    return {(row["table"], row["ds"]): tuple(row[name] for name in names) for row in rows}


def ids(lake: Lake, table: str) -> set[tuple[str, date]]:
    return {(row["send_id"], row["ds"]) for row in lake.read(table).collect()}


def test_every_row_is_somewhere(ingest: Ingest, capsys: pytest.CaptureFixture[str]) -> None:
    lake = ingest(TWO)
    assert ids(lake, "sends") == {("s1", ONE), ("s2", TWO), ("s6", TWO)}
    reasons = {(row["table"], row["reason"]) for row in lake.read("quarantine").collect()}
    assert reasons == {
        ("sends", "bad_sent_at"),
        ("sends", "missing_user_id"),
        ("sends", "known_before_it_happened"),
        ("clicks", "click_before_send"),
        ("clicks", "unknown_action"),
    }
    assert counts(lake) == {
        ("sends", ONE): (5, 1, 3, 1, 0),
        ("sends", TWO): (3, 2, 0, 0, 1),
        ("clicks", ONE): (3, 2, 1, 0, 0),
        ("clicks", TWO): (3, 1, 1, 0, 1),
    }
    told = capsys.readouterr().err
    assert "sends: read 8 = accepted 3 + quarantined 3 + duplicates 1 + not yet known 1" in told
    assert "clicks: read 6 = accepted 3 + quarantined 2 + duplicates 0 + not yet known 1" in told


def test_a_click_waits_for_its_send_and_is_known_with_it(ingest: Ingest) -> None:
    lake = ingest(ONE)
    assert [row["send_id"] for row in lake.read("pending").collect()] == ["s2"]
    lake = ingest(TWO)
    clicks = {
        (row["send_id"], row["clicked_at"].hour, row["clicked_at"].minute): row for row in lake.read("clicks").collect()
    }
    assert {key: (row["ds"], row["is_first_click"]) for key, row in clicks.items()} == {
        ("s1", 10, 30): (ONE, True),
        ("s1", 10, 40): (ONE, False),
        ("s2", 11, 30): (TWO, True),
    }
    assert clicks[("s2", 11, 30)]["user_id"] == "u2"
    assert [row["send_id"] for row in lake.read("pending", since=TWO).collect()] == ["s9"]


def test_a_click_that_waited_in_vain_goes_to_quarantine(ingest: Ingest) -> None:
    later = SENDS + "s8,u3,c1,2026-01-04 12:00:00,2026-01-04 12:00:00\n"
    lake = ingest(date(2026, 1, 4), sends=later)
    assert ("clicks", "unknown_send", date(2026, 1, 4)) in {
        (row["table"], row["reason"], row["ds"]) for row in lake.read("quarantine").collect()
    }


def test_day_by_day_gives_the_tables_of_one_run(ingest: Ingest, tmp_path: Path) -> None:
    for ds in (ONE, TWO, THREE):
        by_day = ingest(ds)
    tables = {table: sorted(map(str, by_day.read(table).drop("raw_row").collect())) for table in ("sends", "clicks")}
    (tmp_path / "lake").rename(tmp_path / "by_day")
    at_once = ingest(THREE)
    again = ingest(THREE)
    for lake in (at_once, again):
        assert {t: sorted(map(str, lake.read(t).drop("raw_row").collect())) for t in tables} == tables


def test_the_last_day_again_gives_the_same_tables(ingest: Ingest) -> None:
    tables = ("sends", "clicks", "quarantine", "pending", "ingest_counts")
    waited_and_came_again = CLICKS + "s2,2026-01-01 11:30:00,open,2026-01-02 02:00:00\n"
    once, again = (
        {t: sorted(map(str, lake.read(t).collect())) for t in tables}
        for lake in (ingest(TWO, clicks=waited_and_came_again) for _ in range(2))
    )
    assert again == once


CLOCKS = """id,user,campaign,at,known
s1,u1,c1,2026-01-01 10:00:00,2026-01-01 10:01:00
s2,u1,c1,2099-01-01 10:00:00,2026-01-02 10:00:00
s3,u1,c1,2099-01-01 10:00:00,2099-01-01 10:00:00
s4,u1,c1,2026-01-02 10:00:00,2099-01-01 10:00:00
s5,u1,c1,2026-01-02 10:00:00,2026-01-03 10:00:00
s6,u1,c1,2026-01-03 10:00:00,2026-01-03 10:00:00
s7,u1,c1,+58000-01-01 10:00:00,+58000-01-01 10:00:00
s8,u1,c1,2026-01-02 10:00:00,2026-01-02 10:00:00
"""
# s2 happens after it was ingested; s3, s4 and s7 (milliseconds read as seconds) lie in a future beyond any log; s5 and
# s6 are only known on January 3rd


def test_a_future_send_is_rejected_and_one_that_is_known_later_waits(ingest: Ingest) -> None:
    lake = ingest(TWO, sends=CLOCKS, more="--max-bad-share 1")
    rejected = {(row["raw_row"].split('"')[3], row["reason"], row["ds"]) for row in lake.read("quarantine").collect()
                if row["table"] == "sends"}  # fmt: skip
    assert rejected == {
        ("s2", "known_before_it_happened", TWO),
        ("s3", "in_the_future", TWO),
        ("s4", "in_the_future", TWO),
        ("s7", "in_the_future", TWO),
    }
    assert counts(lake)[("sends", TWO)] == (7, 1, 4, 0, 2)
    lake = ingest(THREE, sends=CLOCKS, more="--max-bad-share 1")
    assert counts(lake)[("sends", THREE)] == (2, 2, 0, 0, 0)


def test_a_source_all_in_the_future_is_bad_input(ingest: Ingest) -> None:
    with pytest.raises(BadInput, match=r"sends: none of the 8 rows .* in_the_future 7, known_before_it_happened 1"):
        ingest(TWO, sends=SENDS.replace("2026", "2099").replace("yesterday", "2099-01-01").replace(",,", ",u,"))


def test_how_far_ahead_a_log_may_reach_is_settable(ingest: Ingest) -> None:
    lake = ingest(ONE, sends=CLOCKS, more="--max-bad-share 0.9 --max-days-ahead 1")
    assert counts(lake)[("sends", ONE)] == (8, 1, 3, 0, 4)


NO_CLOCKS = SENDS + "s8,u3,c1,never,never\ns9,u3,c1,never,never\n"


def test_a_row_without_clocks_is_rejected_once(ingest: Ingest) -> None:
    for ds in (ONE, TWO, THREE, THREE):
        lake = ingest(ds, sends=NO_CLOCKS)
    undated = [row["ds"] for row in lake.read("quarantine").where("raw_row LIKE '%never%'").collect()]
    assert undated == [ONE, ONE]
    assert {key: of[0] for key, of in counts(lake).items() if key[0] == "sends"} == {
        ("sends", ONE): 5 + 2 + 3, ("sends", TWO): 2 + 1, ("sends", THREE): 1,
    }  # fmt: skip
    lake = ingest(TWO, sends=NO_CLOCKS + "s10,u3,c1,never,never\n")
    undated = [row["ds"] for row in lake.read("quarantine").where("raw_row LIKE '%never%'").collect()]
    assert sorted(undated) == [ONE, ONE, TWO]


def test_a_key_that_comes_again_and_again_is_the_same_day_by_day_and_in_one_run(ingest: Ingest, tmp_path: Path) -> None:
    """January 3rd is too far from the 1st to be the same; the 4th is the same as the 3rd, the accepted one.

    A click that waited for its send until the 2nd was known on the 1st.
    """
    again = SENDS + "".join(f"s1,u1,c1,2026-01-01 10:00:00,2026-01-0{day} 12:00:00\n" for day in (2, 3, 4))
    logs = {
        "sends": again + "s8,u3,c1,2026-01-04 12:00:00,2026-01-04 12:00:00\n",
        "clicks": CLICKS + "s2,2026-01-01 11:30:00,open,2026-01-03 02:00:00\n",
        "more": "--max-bad-share 1 --dedup-days 1",
    }
    days = [ONE, TWO, THREE, date(2026, 1, 4)]
    for ds in days:
        lake = ingest(ds, **logs)
    by_day = {table: ids(lake, table) for table in ("sends", "clicks")}
    assert {day for name, day in by_day["sends"] if name == "s1"} == {ONE, THREE}
    assert {day for name, day in by_day["clicks"] if name == "s2"} == {TWO, THREE}
    (tmp_path / "lake").rename(tmp_path / "by_day")
    at_once = ingest(days[-1], **logs)
    assert {table: ids(at_once, table) for table in by_day} == by_day


PLANS = """campaign,at,hour,known
c1,,18,2026-01-01 08:00:00
c1,,18,2026-01-01 08:00:00
c1,,18,2026-01-02 08:00:00
c2,2026-01-09 08:00:00,,2026-01-01 08:00:00
"""
PLANS_MAPPING = """
[plans]
source = "../plans.csv"
format = "csv"
options = { header = true }
[plans.columns]
campaign_id = "campaign"
send_at = "at"
local_hour = "hour"
known_at = "known"
"""


def test_a_local_hour_can_be_planned_day_after_day(ingest: Ingest, tmp_path: Path) -> None:
    (tmp_path / "plans.csv").write_text(PLANS)
    for ds in (ONE, TWO):
        lake = ingest(ds, mapping=MAPPING + PLANS_MAPPING)
    plans = {(row["campaign_id"], row["local_hour"], row["ds"]) for row in lake.read("plans").collect()}
    assert plans == {("c1", 18, ONE), ("c1", 18, TWO), ("c2", None, ONE)}
    assert counts(lake)[("plans", ONE)] == (4, 2, 0, 1, 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sends": ""}, r"table sends: .*sends.csv is empty"),
        ({"sends": SENDS.partition("\n")[0] + "\n"}, "sends: expected rows in .*, it has none"),
        (
            {
                "sends": SENDS.replace("campaign", "topic").replace("known", "loaded"),
                "clicks": CLICKS.replace("what", "how"),
                "mapping": MAPPING.replace('"user"', '"lower(user || known || gone)"'),
            },
            r"table sends: .*sends.csv lacks known \(for user_id\), gone \(for user_id\), "
            r"campaign \(for campaign_id\), known \(for ingested_at\), and has id, user, topic, at, loaded; "
            r"table clicks: .*clicks.csv lacks what \(for action\), and has id, at, how, known$",
        ),
        ({"sends": SENDS.replace("2026-01-0", "January ")}, "sends: none of the 8 rows .* bad_sent_at 8"),
        ({"mapping": MAPPING.replace('"known"', '"known +"')}, "column ingested_at: 'known [+]' does not parse"),
        ({"mapping": MAPPING.replace("sends.csv", "gone.csv")}, r"table sends: cannot read .*gone.csv"),
        ({"more": "--max-bad-share 0.1"}, r"sends: 3 of 7 rows break the contract, limit is 10%: .*bad_sent_at 1"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    ingest: Ingest, tmp_path: Path, given: dict[str, str], message: str
) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        ingest(TWO, **given)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "lake").exists()


def test_a_day_without_sends(ingest: Ingest, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no row in .* became known on 2026-02-01; its rows are known from 2026-01-01"):
        ingest(date(2026, 2, 1))
    assert not (tmp_path / "lake").exists()


def test_columns_that_come_go_and_change_are_told_and_kept(ingest: Ingest, capsys: pytest.CaptureFixture[str]) -> None:
    inferring = MAPPING.replace("header = true }\n[sends", "header = true, inferSchema = true }\n[sends")
    lake = ingest(ONE, mapping=inferring)
    assert "source column" not in capsys.readouterr().err
    header, *rows = SENDS.replace("yesterday", "2026-01-01 11:00:00").splitlines()
    changed = "\n".join([f"{header},title", *(f"{row},hello" for row in rows)])
    lake = ingest(TWO, sends=changed, clicks=CLICKS.replace("known", "known,where"), mapping=inferring)
    told = [line for line in capsys.readouterr().err.splitlines() if "source column" in line]
    assert told == [
        "clicks: source column 'where' is new, string",
        "sends: source column 'at' is timestamp, was string",
        "sends: source column 'title' is new, string",
    ]
    assert lake.get_json("ingest", TWO)["drift"] == told
    assert "title" in lake.get_json("ingest", TWO)["columns"]["sends"]
    ingest(THREE, sends=changed, mapping=inferring)
    assert [line for line in capsys.readouterr().err.splitlines() if "source column" in line] == [
        "clicks: source column 'where' is gone, was string"
    ]


def test_other_time_rules_need_another_root(ingest: Ingest) -> None:
    ingest(ONE)
    with pytest.raises(BadInput, match="use another root"):
        ingest(TWO, mapping=MAPPING.replace('attribution_window = "24h"', 'attribution_window = "12h"'))
