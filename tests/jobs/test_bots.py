"""A machine among the users: its clicks count as none, and from the next midnight on it is left out, and counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import aggregate_day, build_features, build_training_set, ingest_logs
from jobs.errors import BadInput
from jobs.lake import Lake

DS = date(2026, 1, 6)
MAPPING = """
[time]
attribution_window = "1h"
lateness_allowance = "0h"
[bots]
min_reaction_ms = 200
min_fast_clicks = 1
"""
CLICKED_AFTER = {"person": "05:00.000", "slowest bot": "00:00.199", "quickest person": "00:00.200", "asleep": None}


def log() -> dict[str, list[str]]:
    """A send to each user on each of six mornings, and a click by most; the bot clicks first on the third."""
    sends, clicks = ["send_id,user_id,campaign_id,sent_at,ingested_at"], ["send_id,clicked_at,action,ingested_at"]
    for day in range(1, DS.day + 1):
        for user, after in CLICKED_AFTER.items():
            at = f"2026-01-{day:02} 10:"
            sends.append(f"{user} {day},{user},c1,{at}00:00,{at}00:00")
            if after and (day >= 3 or user != "slowest bot"):
                clicks.append(f"{user} {day},{at}{after},open,{at}{after}")
    return {"sends": sends, "clicks": clicks}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("bots")
    mapping = MAPPING
    for table, lines in log().items():
        (folder / f"{table}.csv").write_text("\n".join(lines))
        mapping += f'[{table}]\nsource = "{table}.csv"\nformat = "csv"\noptions = {{ header = true }}\n'
        mapping += f"[{table}.columns]\n" + "\n".join(f'{name} = "{name}"' for name in lines[0].split(",")) + "\n"
    (folder / "my.toml").write_text(mapping)
    lake = Lake(spark, str(folder / "lake"))
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    run(spark, lake, ingest_logs, f"--mapping {folder}/my.toml --input {folder}")
    run(spark, lake, aggregate_day)
    yield lake
    spark.conf.set("spark.sql.shuffle.partitions", str(before))


def run(spark: SparkSession, lake: Lake, job: Any, more: str = "") -> None:
    job.run(spark, job.arg_parser().parse_args(f"--root {lake.root} --ds {DS} {more}".split()))


def test_only_the_bots_clicks_count_as_none(lake: Lake) -> None:
    clicks = {row["send_id"]: row for row in lake.read("clicks").collect()}
    impossible = {name for name, row in clicks.items() if row["is_impossible"]}
    assert impossible == {f"slowest bot {day}" for day in range(3, 7)}
    assert {name for name, row in clicks.items() if row["is_first_click"]} == clicks.keys() - impossible
    counted = lake.read("push_partials").groupBy("user_id").sum("clicks").collect()
    assert dict(map(tuple, counted)) == {"person": 6, "quickest person": 6, "slowest bot": 0, "asleep": 0}


def test_the_bot_is_left_out_from_the_next_midnight_on_and_counted(
    spark: SparkSession, lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(spark, lake, build_features)
    left_out = {row["user_id"]: row["left_out"] for row in lake.read("audience").collect()}
    assert left_out == {"person": None, "quickest person": None, "asleep": None, "slowest bot": "bot"}

    (tmp_path / "manifest.json").write_text(json.dumps({"version": "none"}))
    lake.put_folder("embeddings", DS, tmp_path)
    codes = lake.read("requests").selectExpr("user_id", "as_of", "'none' embedding_version", "ds").distinct()
    lake.write("codes/none", codes, lake.days("requests"))
    run(spark, lake, build_training_set, "--train-days 1 --validation-days 1 --holdout-days 1")
    assert "embedding_version" not in lake.read("training_set").columns
    rows = {row["send_id"]: row["label"] for row in lake.read("training_set").collect()}
    people = {f"{user} {day}": int(user != "asleep") for user in set(left_out) - {"slowest bot"} for day in (1, 3, 5)}
    # On the third day it was not known yet: its row stays, and its click is none.
    assert rows == people | {"slowest bot 1": 0, "slowest bot 3": 0}
    assert lake.get_json("training_set_meta", DS)["bots"] == {"min_reaction_ms": 1}
    assert "left out: 1 sends to users flagged as bots by min_reaction_ms" in capsys.readouterr().err


def test_other_rules_need_another_root(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    text = Path(lake.root).with_name("my.toml").read_text()
    (tmp_path / "other.toml").write_text(text.replace("min_reaction_ms = 200", "min_reaction_ms = 100"))
    note = lake.get_json("ingest", DS)
    lake.put_json("ingest", date(2026, 1, 5), note)
    with pytest.raises(BadInput, match=r"\[bots\] gives .*100.* was made with .*200.*; use another root"):
        run(spark, lake, ingest_logs, f"--mapping {tmp_path}/other.toml --input {tmp_path}")
