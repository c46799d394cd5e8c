"""The job: who is found, who is left out and why, and what is refused in one line."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import encode_users, find_lookalikes
from jobs.embedding import read_manifest
from jobs.errors import BadInput
from jobs.lake import Lake

DS = date(2026, 1, 5)
NEXT = DS + timedelta(days=1)
CODES = "user_id string, latents array<smallint>, latent_values array<float>, ds date"
PUSHES = "user_id string, campaign_id string, sends long, clicks long, ds date"


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Fans have latent 0, others latent 1; fans 0 to 3 clicked c1, and fan 4 did on the day after."""
    lake = Lake(spark, str(tmp_path_factory.mktemp("lookalikes")))
    rules = {"attribution_window_s": 3600, "lateness_allowance_s": 0, "ready_lag_s": 0}
    lake.put_json("ingest", DS, {"mapping": "m", "time_rules": rules, "tables": ["sends", "clicks"]})
    people = [f"{kind} {i}" for kind in ("fan", "other") for i in range(8)]
    reasons = {"fan 7": "opt_out", "other 7": "bot"}
    audience = [(user, reasons.get(user), DS) for user in [*people, "quiet"]]
    lake.write("audience", spark.createDataFrame(audience, "user_id string, left_out string, ds date"), [DS])
    codes = [(user, [0, 1], [5.0, 1.0] if "fan" in user else [1.0, 5.0], DS) for user in people if user not in reasons]
    lake.write("audience_codes/v1", spark.createDataFrame(codes, CODES), [DS])
    pushes = [(f"fan {i}", "c1", 1, int(i < 4), DS) for i in range(5)]
    pushes += [("fan 4", "c1", 0, 1, NEXT), ("fan 5", "c1", 1, 0, NEXT)]  # known too late to count
    pushes += [("other 7", "c1", 1, 1, DS), ("other 0", "c2", 1, 1, DS)]
    lake.write("push_partials", spark.createDataFrame(pushes, PUSHES), [DS, NEXT])
    return lake


def find(spark: SparkSession, lake: Lake, more: str = "--campaign c1") -> None:
    words = f"--root {lake.root} --ds {DS} --top 3 --min-clickers 2 --bits 8 {more}"
    args: argparse.Namespace = find_lookalikes.arg_parser().parse_args(words.split())
    find_lookalikes.run(spark, args)


def test_fans_who_were_not_sent_it_come_first(spark: SparkSession, lake: Lake) -> None:
    find(spark, lake)
    rows = lake.read("lookalikes").orderBy("rank").collect()
    assert [(row["campaign_id"], row["rank"], row["user_id"]) for row in rows] == [
        ("c1", 1, "fan 5"),
        ("c1", 2, "fan 6"),
        ("c1", 3, "other 0"),
    ]
    assert {row["embedding_version"] for row in rows} == {"v1"}
    assert rows[1]["similarity"] > 0 > rows[2]["similarity"]
    counts = lake.get_json("lookalike_counts", DS)["campaigns"]
    assert counts[0]["clickers"] == 4
    assert counts[0]["left_out"] == {"bot": 1, "no_code": 1, "opt_out": 1, "sent": 5}


def test_few_clickers_are_refused_and_nothing_is_written(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    before = sorted(Path(lake.root).rglob("*"))
    for campaign, n in (("c2", 1), ("c3", 0)):
        with pytest.raises(BadInput, match=rf"--campaign {campaign}: expected at least 2 users .*, got {n}$"):
            find(spark, lake, f"--campaign c1 {campaign}")
    assert sorted(Path(lake.root).rglob("*")) == before
    with pytest.raises(BadInput, match=r"no codes of the audience of 2026-01-05 .*; run encode_users"):
        find(spark, Lake(spark, str(tmp_path)))


def test_two_embeddings_are_not_mixed(spark: SparkSession, lake: Lake) -> None:
    lake.write("audience_codes/v2", lake.read("audience_codes/v1"), [DS])
    with pytest.raises(BadInput, match="--embedding: expected one of v1, v2, which must not be mixed; got none"):
        find(spark, lake)
    find(spark, lake, "--campaign c1 --embedding v2")
    assert {row["embedding_version"] for row in lake.read("lookalikes").collect()} == {"v2"}


def test_the_audience_can_be_encoded_by_the_embedding_of_the_day(
    spark: SparkSession, root: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no champion, so by default nobody is."""
    lake, asked = Lake(spark, root), []
    rules = {"attribution_window_s": 3600, "lateness_allowance_s": 0, "ready_lag_s": 0}
    lake.put_json("ingest", DS, {"mapping": "m", "time_rules": rules, "tables": ["sends", "clicks"]})
    trained = Path(root) / "trained"
    trained.mkdir()
    (trained / "manifest.json").write_text('{"version": "v7"}')
    lake.put_folder("embeddings", DS, trained)
    monkeypatch.setattr(encode_users, "_encode_audience", lambda _, __, folder, ds: asked.append((folder, ds)))
    for more in ("", " --embedding day"):
        words = f"--root {{}} --ds {DS} --requests audience{more}".split()
        args = encode_users.arg_parser().parse_args([word.format(root) for word in words])
        encode_users.run(spark, args)

    assert "no champion with an embedding" in capsys.readouterr().err
    assert [(read_manifest(folder)["version"], ds) for folder, ds in asked] == [("v7", DS)]
