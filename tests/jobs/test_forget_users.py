"""A user who asks to be forgotten: gone from everywhere, as if never there, and dropped ever after."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext, redirect_stderr
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import aggregate_day, build_features, forget_users, ingest_logs
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.registry import Registry
from tests.jobs.gone_log import GONE, write_log

LONG_AGO = date(2025, 6, 1)
ONE, TWO, THREE = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)
BUILT = (
    "sends", "clicks", "devices", "push_partials", "requests", "audience", "campaigns_to_come", "priors",
    "history_of_campaign", "history_of_device", "history_of_model", "history_of_user", "history_of_user_campaign",
)  # fmt: skip
"""What must be as if the user had never been."""

BY_HAND = ("training_set", "scores", "bot_flags", "codes/old", "audience_codes/old")
"""Tables of later jobs, with the keys of the requests."""


class Killed(Exception):
    """What a test raises where a job might be killed."""


@pytest.fixture(scope="module", autouse=True)
def _one_partition(spark: SparkSession) -> Iterator[None]:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    yield
    spark.conf.set("spark.sql.shuffle.partitions", str(before))


def call(spark: SparkSession, job: Any, root: Path, ds: date, more: str = "") -> None:
    job.run(spark, job.arg_parser().parse_args(f"--root {root} --ds {ds} {more}".split()))


def ingest(spark: SparkSession, root: Path, ds: date, logs: Path) -> None:
    call(spark, ingest_logs, root, ds, f"--mapping {logs}/my.toml --input {logs} --max-bad-share 0.9")


def contents(lake: Lake, table: str, until: date = TWO) -> list[str]:
    return sorted(row.j for row in lake.read(table, until=until).selectExpr("to_json(struct(*)) j").collect())


def forget(spark: SparkSession, root: Path, *, killed_at: str | None = None) -> str:
    """Run the job and give what it said; killed when the rows of a table are written and its pointer is not."""
    said, point = StringIO(), Lake._point

    def pointing(lake: Lake, table: str, day: date, write: str) -> None:
        if table == killed_at:
            raise Killed
        point(lake, table, day, write)

    with pytest.MonkeyPatch.context() as patch, redirect_stderr(said):
        patch.setattr(Lake, "_point", pointing)
        with pytest.raises(Killed) if killed_at else nullcontext():
            call(spark, forget_users, root, THREE)
    return said.getvalue()


@pytest.fixture(scope="module")
def lake(
    spark: SparkSession,
    tmp_path_factory: pytest.TempPathFactory,
    empty_store: Path,
    put_bundle: Callable[..., Path],
) -> Lake:
    """A lake as it is when the request comes, on the third day; what later jobs write is made by hand."""
    root = tmp_path_factory.mktemp("asked") / "lake"
    logs = root.with_name("logs")
    write_log(logs)
    ingest(spark, root, TWO, logs)
    call(spark, aggregate_day, root, TWO)
    call(spark, build_features, root, TWO)
    lake = Lake(spark, str(root))
    of_users = lake.read("requests").select("user_id", "as_of", "send_id", "campaign_id", "ds")
    for table in BY_HAND:
        lake.write(table, of_users, [ONE, TWO])
    flagged = [("user", GONE), ("user", "u2"), ("device", "d-gone"), ("device", "shared"), ("device", "d3")]
    ids = spark.createDataFrame(flagged, "kind string, id string")
    lake.write("anomalies", ids.selectExpr("*", f"DATE '{TWO}' ds"), [TWO])
    killed = root / "codes" / "new" / "write=killed"  # a first write that was killed has no pointer
    killed.mkdir(parents=True)
    pq.write_table(pa.table({"user_id": [GONE]}), killed / "part.parquet")
    shutil.copy(empty_store, root)
    put_models(lake, put_bundle, root.parent / "bundles")
    ingest(spark, root, THREE, logs)
    return lake


def put_models(lake: Lake, put_bundle: Callable[..., Path], work: Path) -> None:
    """Put a model and an embedding of two days; the user was there in the training days of the later one only."""
    registry = Registry(lake.root)
    for ds, content, train, validation in ((ONE, "early", LONG_AGO, LONG_AGO), (TWO, "late", ONE, TWO)):
        bundle = put_bundle(work / content / "forest", content=content, ds=str(ds), measures={"name": "forest"})
        registry.promote(registry.register(bundle))
        predictions = {"send_id": ["s1", "s3"], "user_id": [GONE, "u2"], "forest": [0.5, 0.25]}
        pq.write_table(pa.table(predictions), work / content / "validation_predictions.parquet")
        lake.put_folder("candidates", ds, work / content)
        split = {"train": [str(train)] * 2, "validation": [str(validation)] * 2}
        lake.put_json("training_set_meta", ds, {"split": split, "embedding": {"version": f"{content} embedding"}})


@pytest.fixture(scope="module")
def of_others(lake: Lake) -> dict[str, list[str]]:
    """Rows of other users, before the job."""
    return {table: [row for row in contents(lake, table) if "gone" not in row] for table in BY_HAND}


@pytest.fixture(scope="module")
def said(spark: SparkSession, lake: Lake, of_others: dict[str, list[str]]) -> list[str]:
    """What two runs say: one that is killed while sums are made again, and one to the end."""
    assert all(of_others.values())
    return [forget(spark, Path(lake.root), killed_at=table) for table in ("history_of_campaign", None)]


def values(path: Path) -> str:
    """Give what a file holds as text, Parquet decoded."""
    table = pq.read_table(path, partitioning=None).to_pylist() if path.suffix == ".parquet" else ""
    return f"{path.read_bytes()!r} {table}"


@pytest.mark.usefixtures("said")
def test_scores_stay_sorted_by_campaign(lake: Lake) -> None:
    write = (Path(lake.root) / "scores" / "_current" / f"ds={TWO}").read_text()
    files = [pq.read_table(path, partitioning=None) for path in Path(lake.root).glob(f"scores/{write}/*/*.parquet")]
    campaigns = [table["campaign_id"].to_pylist() for table in files]
    assert max(len(set(of_file)) for of_file in campaigns) > 1
    assert campaigns == [sorted(of_file) for of_file in campaigns]


@pytest.mark.usefixtures("said")
def test_no_file_has_the_user_but_deletions(lake: Lake) -> None:
    files = [path for path in Path(lake.root).rglob("*") if path.is_file()]
    marks = ("gone", "'s1'", '"s1"')
    assert {path.relative_to(lake.root).parts[0] for path in files if any(m in values(path) for m in marks)} == {
        "deletions"
    }
    assert not Path(lake.root, "codes", "new").exists()


@pytest.mark.usefixtures("said")
def test_the_lake_is_as_if_the_user_had_never_been(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    """And a root that knows of the request makes that same lake of the same log: days before it are dropped too."""
    root = tmp_path / "never"
    shutil.copytree(Path(lake.root, "deletions"), root / "deletions")
    ingest(spark, root, TWO, Path(lake.root).with_name("logs"))
    call(spark, aggregate_day, root, TWO)
    call(spark, build_features, root, TWO)
    never = Lake(spark, str(root))
    assert {table: contents(lake, table) for table in BUILT} == {table: contents(never, table) for table in BUILT}


@pytest.mark.usefixtures("said")
def test_a_campaign_that_the_user_never_met_moves_up(lake: Lake) -> None:
    (never_met,) = lake.read("history_of_campaign", since=TWO).where("campaign_id = 'never met'").collect()
    assert never_met["campaign_rank"] == 1


@pytest.mark.usefixtures("said")
def test_rejected_and_waiting_rows_go_too(lake: Lake) -> None:
    (rejected,) = lake.read("quarantine").collect()
    assert json.loads(rejected["raw_row"])["device_id"] == "shared"  # nobody can say whose this was
    assert [row["send_id"] for row in lake.read("pending").collect()] == ["s9"]  # its send never came into the lake


@pytest.mark.usefixtures("said")
def test_flags_go_of_every_device_that_was_theirs_too(lake: Lake) -> None:
    assert {(row["kind"], row["id"]) for row in lake.read("anomalies").collect()} == {("user", "u2"), ("device", "d3")}


@pytest.mark.usefixtures("said")
def test_other_users_rows_are_the_same(lake: Lake, of_others: dict[str, list[str]]) -> None:
    assert {table: contents(lake, table) for table in BY_HAND} == of_others
    for ds in (ONE, TWO):
        (left,) = pq.read_table(lake.get_folder("candidates", ds) / "validation_predictions.parquet").to_pylist()
        assert left == {"send_id": "s3", "user_id": "u2", "forest": 0.25}
    registry = Registry(lake.root)
    assert all(registry.bundle(version).folder.exists() for version in registry.versions())


def test_what_was_trained_on_the_user_is_named_and_stays_named(lake: Lake, said: list[str]) -> None:
    named = lake.get_json("forgotten", THREE)["trained_on"]
    assert sorted(named.values()) == [f"embedding of {TWO}", f"forest of {TWO}, champion"]
    assert "trained on them: late embedding, embedding of 2026-01-02\n" in said[0]


def test_rows_are_counted(said: list[str]) -> None:
    assert "1 users asked to be forgotten up to 2026-01-03\n" in said[0]
    assert "training_set: 3 rows of 2 days removed" in "".join(said)
    assert "quarantine: 3 rows of 1 days removed" in "".join(said)


def test_again_there_is_nothing_to_remove(spark: SparkSession, lake: Lake, said: list[str]) -> None:
    files = sorted(Path(lake.root).rglob("*.parquet"))
    assert said
    assert forget(spark, Path(lake.root)) == "1 users asked to be forgotten up to 2026-01-03\n"
    assert sorted(Path(lake.root).rglob("*.parquet")) == files


def test_ingest_drops_the_user_and_counts(lake: Lake) -> None:
    counts = {row["table"]: row for row in lake.read("ingest_counts", since=THREE).collect()}
    of_day = {table: (row["read"], row["accepted"], row["forgotten"]) for table, row in counts.items()}
    assert of_day == {
        "sends": (3, 1, 2),  # these two are the same
        "clicks": (4, 1, 3),  # one waited for its send, one breaks the contract
        "deletions": (1, 1, 0),
    }


def test_a_log_without_deletions_is_bad_input(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"expected the table 'deletions' in .*; its log has none"):
        call(spark, forget_users, tmp_path, THREE)
