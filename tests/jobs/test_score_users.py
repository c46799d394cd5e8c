"""Scores: those of the scorer, kept by campaign, and written so that a reader of one campaign reads little."""

from __future__ import annotations

import os
from datetime import date, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.joined_users import OWNER, JoinedUsers, by_user
from features.parts import Batches
from features.places import GROUP, OF_PERSON, OF_USER
from features.scoring_parts import USER_KEY, Parts
from jobs import score_files, score_users
from jobs.batch_scoring import SCORED, Served, over_users, read_served, score_batches, scored, scorer_of
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.pair_parts import Offers
from jobs.score_users import likeliest, score_all, write_scores
from models.batch import to_batch, to_labelled_rows
from models.bundle import serving_contents
from models.candidates import candidates_for, fit_candidate
from models.schema import Feature, FeatureSchema
from models.serving.manifest import sha256
from models.serving.scorer import Scorer

DS = date(2026, 2, 11)
MANIFEST = {"version": "abc", "embedding_version": None}
SCHEMA = FeatureSchema(
    "made", (Feature("user_clicks_7d", "bigint", "numeric"), Feature("platform", "string", "categorical"))
)
N_ROWS = 900


def made_rows(seed: int = 1) -> pa.Table:
    """Raw rows with nulls, a platform that training lacks, and clicks that follow the count."""
    rng = np.random.default_rng(seed)
    clicks = rng.poisson(2, N_ROWS)
    words = np.array(["ios", "android", None, f"only in {seed}"], dtype=object)
    return pa.table(
        {
            "send_id": [f"s{row}" for row in range(N_ROWS)],
            "user_id": [f"u{row // 3}" for row in range(N_ROWS)],
            "device_id": [f"d{row // 3}" for row in range(N_ROWS)],
            "campaign_id": [f"c{row % 30:02d}" for row in range(N_ROWS)],
            "send_at": pa.array([datetime(2026, 2, 12, 9)] * N_ROWS, pa.timestamp("us", tz="UTC")),
            "label": (rng.random(N_ROWS) < 0.1 + 0.1 * clicks).astype(np.int32),
            "user_clicks_7d": pa.array(clicks, mask=rng.random(N_ROWS) < 0.1),
            "platform": words[rng.integers(0, 4, N_ROWS)].tolist(),
        }
    )


@cache
def served(name: str) -> Served:
    spec = next(one for one in candidates_for(0) if one.name == name)
    parts = (to_labelled_rows(made_rows(seed), SCHEMA) for seed in (1, 2))
    fitted = fit_candidate(spec, *parts, SCHEMA, 0, seed=0, n_threads=1)
    return Served(f"version of {name}", fitted.model.model.serving_format, serving_contents(fitted.model))


OFFER_COLUMNS = (GROUP, "campaign_id", "send_at")
CLICKS = "user_clicks_7d"


def as_parts(spark: SparkSession, rows: pa.Table, partitions: int = 3) -> Parts:
    """Make each row a person of its own, with one offer."""
    rows = rows.append_column(GROUP, pa.array(range(len(rows)), pa.int32()))
    asked = spark.createDataFrame(rows).withColumns({"as_of": F.lit(DS), OF_USER: F.lit(0), OF_PERSON: F.col(GROUP)})
    people = asked.select(*OWNER, "device_id", OF_PERSON, CLICKS, "platform")
    known = asked.select(*OWNER, OF_USER).distinct()
    users = JoinedUsers(
        people=by_user(people, partitions),
        known=by_user(known, partitions),
        unknown=known.limit(1).toArrow(),
        pasts={},
        n_of_person=len(rows),
        columns=(*USER_KEY, GROUP, CLICKS, "platform"),
        partitions=partitions,
    )
    return Parts(users, rows.select(OFFER_COLUMNS), (CLICKS, "platform"), (), {}, {})


@pytest.mark.parametrize("name", ["lightgbm", "random_forest", "logistic"])
def test_probabilities_are_those_of_the_scorer(spark: SparkSession, name: str) -> None:
    model, rows = served(name), made_rows(3)
    expected = Scorer.from_contents(model.serving_format, model.contents).score(to_batch(rows, SCHEMA))
    found = scored(as_parts(spark, rows), model).select("user_id", "campaign_id", "p_click").collect()
    keys = zip(rows["user_id"].to_pylist(), rows["campaign_id"].to_pylist(), strict=True)
    by_key = {tuple(row)[:2]: row["p_click"] for row in found}
    assert by_key == pytest.approx(dict(zip(keys, expected.tolist(), strict=True)), rel=1e-12)
    assert len(found) == N_ROWS
    assert len(set(expected.tolist())) > 10


def test_a_process_loads_a_model_once(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    model, loads = served("logistic"), []
    load = Scorer.from_contents
    monkeypatch.setattr(Scorer, "from_contents", lambda *args, **engine: loads.append(1) or load(*args, **engine))
    scorer_of.cache_clear()
    parts = as_parts(spark, made_rows())
    offers, (batch,) = Offers.of(parts), parts.users.frame().toArrow().combine_chunks().to_batches()
    for again in (model, Served(model.version, model.serving_format, dict(model.contents))):
        assert sum(one.num_rows for one in score_batches(again, offers, iter([batch, batch]))) == 2 * N_ROWS
    assert len(loads) == 1
    another = Served("another", model.serving_format, model.contents)
    list(score_batches(another, offers, iter([batch])))
    assert len(loads) == 2


def test_an_engine_that_does_not_run_the_model_is_one_clear_line(tmp_path: Path) -> None:
    model = served("logistic")
    for name, content in model.contents.items():
        (tmp_path / name).write_bytes(content)
    hashes = {name: {"sha256": sha256(content)} for name, content in model.contents.items()}
    about = {"version": "abc", "serving_format": model.serving_format, "serving_files": [*hashes], "files": hashes}
    assert read_served(tmp_path, about).contents == model.contents
    for engine, line in (("lleaves", "expected one of .*, got 'lleaves'"), ("quickscorer", "expected compact trees")):
        with pytest.raises(BadInput, match=line):
            read_served(tmp_path, about, engine)


def test_tasks_of_a_worker_share_its_model(spark: SparkSession) -> None:
    parts = as_parts(spark, made_rows(), 6)

    def loads(served: Served, offers: Offers, batches: Batches) -> Batches:
        before = scorer_of.cache_info().misses
        rows = sum(one.num_rows for one in score_batches(served, offers, batches))
        missed = scorer_of.cache_info().misses - before
        yield pa.RecordBatch.from_pydict({"process": [os.getpid()], "loads": [missed], "rows": [rows]})

    tasks = over_users(parts, served("logistic"), loads, "process long, loads long, rows long").collect()
    assert sum(task["rows"] for task in tasks) == N_ROWS
    assert len(tasks) == 6
    assert sum(task["loads"] for task in tasks) <= len({task["process"] for task in tasks}) < 6


def scores_of(spark: SparkSession, rows: list[tuple[Any, ...]]) -> DataFrame:
    kept = "user_id string, device_id string, campaign_id string, send_at timestamp, p_click double"
    return spark.createDataFrame(rows, kept)


def test_the_likeliest_are_kept_and_ties_go_by_name(spark: SparkSession) -> None:
    at = datetime(2026, 2, 12, 9)
    rows = [
        ("u3", "d", "a", at, 0.5),  # equal to u1 and u2, behind them by name
        ("u2", "d", "a", at, 0.5),
        ("u1", None, "a", at, 0.5),
        ("u9", "d", "a", at, 0.9),  # the likeliest
        ("u1", "d", "b", at.replace(hour=10), 0.1),  # the same user twice: the earlier send
        ("u1", "d", "b", at, 0.1),
        ("u1", "d", "c", at, 0.0),  # less than K in its campaign: all are kept
    ]
    for partitions in (1, 3):
        kept = likeliest(scores_of(spark, rows).repartition(partitions), 2).collect()
        assert sorted((row["campaign_id"], row["user_id"]) for row in kept) == [
            ("a", "u1"), ("a", "u9"), ("b", "u1"), ("b", "u1"), ("c", "u1")
        ]  # fmt: skip
    (first,) = likeliest(scores_of(spark, rows).where("campaign_id = 'b'"), 1).collect()
    assert first["send_at"] == at


@pytest.fixture(params=["by workers", "by Spark"])
def written(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Lake:
    """Scores of 30 campaigns in three partitions, in row groups of 50."""
    monkeypatch.setitem(score_users.LAYOUT, "group_rows", 50)
    if request.param == "by Spark":
        monkeypatch.setattr(score_users, "is_local", lambda _: False)
    lake = Lake(spark, str(tmp_path))
    score_all(lake, DS, as_parts(spark, made_rows()), served("logistic"), MANIFEST)
    return lake


def files_of(lake: Lake) -> list[pq.ParquetFile]:
    paths = sorted(Path(lake.root).glob(f"scores/write=*/ds={DS}/*.parquet"))
    return [pq.ParquetFile(path) for path in paths]


def test_rows_stay_in_their_partitions_sorted_by_campaign(written: Lake) -> None:
    files = files_of(written)
    assert len(files) == 3  # one a partition: not gathered on one key, not scattered
    for file in files:
        campaigns = file.read(["campaign_id"])["campaign_id"].to_pylist()
        assert all(before <= after for before, after in pairwise(campaigns))
        assert len(set(campaigns)) == 30
    assert sum(file.metadata.num_rows for file in files) == N_ROWS


def test_a_reader_of_one_campaign_skips_most_row_groups(written: Lake) -> None:
    groups = [
        file.metadata.row_group(number).column(file.schema_arrow.get_field_index("campaign_id")).statistics
        for file in files_of(written)
        for number in range(file.metadata.num_row_groups)
    ]
    assert len(groups) >= N_ROWS // 50
    for campaign in ("c00", "c17", "c29"):
        touched = [group for group in groups if group.min <= campaign <= group.max]
        assert 3 <= len(touched) <= 2 * 3  # one or two a file
    only = written.read("scores").where("campaign_id = 'c17'")
    assert {row["campaign_id"] for row in only.collect()} == {"c17"}
    assert only.count() == N_ROWS // 30


def test_scores_name_day_and_version_and_may_be_none(written: Lake, spark: SparkSession) -> None:
    (row,) = written.read("scores").select("ds", "model_version", "embedding_version").distinct().collect()
    assert tuple(row) == (DS, "abc", None)
    write_scores(written, DS, scores_of(spark, []), MANIFEST)
    assert written.read("scores").isEmpty()
    assert written.read("scores").columns == [*SCORED.names, "model_version", "embedding_version", "ds"]


def test_workers_write_what_spark_would(spark: SparkSession, tmp_path: Path) -> None:
    parts, model = as_parts(spark, made_rows()), served("logistic")
    lakes = Lake(spark, str(tmp_path / "workers")), Lake(spark, str(tmp_path / "spark"))
    score_all(lakes[0], DS, parts, model, MANIFEST)
    write_scores(lakes[1], DS, scored(parts, model), MANIFEST)
    by_workers, by_spark = (lake.read("scores") for lake in lakes)
    assert by_workers.schema == by_spark.schema
    rows = (sorted(map(tuple, scores.drop("embedding_version").collect())) for scores in (by_workers, by_spark))
    assert next(rows) == next(rows)


def test_a_task_with_many_scores_writes_several_files(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_files, "FILE_SCORES", 200)
    parts, model = as_parts(spark, made_rows()), served("logistic")
    batches = parts.users.frame().toArrow().combine_chunks().to_batches(max_chunksize=150)
    writer = score_files._Writer(tmp_path, {"model_version": "abc"}, 50, "snappy")
    (names,) = writer.written(model, Offers.of(parts), iter(batches))
    files = [pq.read_table(tmp_path / name) for name in names["name"].to_pylist()]
    assert [len(file) for file in files] == [200, 200, 200, 200, 100]
    expected = pa.Table.from_batches(list(score_batches(model, Offers.of(parts), iter(batches))))
    found = pa.concat_tables(files).drop_columns("model_version")
    order = [(name, "ascending") for name in ("user_id", "campaign_id", "p_click")]
    assert found.sort_by(order).equals(expected.cast(found.schema).sort_by(order))
