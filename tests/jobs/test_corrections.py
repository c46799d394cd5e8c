"""An old day that is corrected: what was made after it is made again, and the lake is that of the corrected log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import redirect_stderr
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import aggregate_day, build_features, ingest_logs
from jobs.carried import PRIOR_SUMS
from jobs.errors import BadInput
from jobs.lake import Lake

FIRST, CORRECTED, LAST = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 5)
LOG = {
    "sends": """send_id,user_id,device_id,campaign_id,sent_at,ingested_at
s1,u1,d1,c1,2026-01-01 10:00:00,2026-01-01 10:00:00
s2,u1,d1,c1,2026-01-02 10:00:00,2026-01-02 10:00:00
s3,u2,d2,c2,2026-01-02 11:00:00,2026-01-02 11:00:00
s4,u2,d2,c1,2026-01-03 10:00:00,2026-01-03 10:00:00
s5,u1,d1,c2,2026-01-04 10:00:00,2026-01-04 10:00:00
s6,u2,d2,c2,2026-01-05 10:00:00,2026-01-05 10:00:00
s7,u1,,c2,2026-01-05 11:00:00,2026-01-05 11:00:00
""",
    "clicks": """send_id,clicked_at,action,ingested_at
s2,2026-01-03 09:00:00,open,2026-01-03 09:00:00
s3,2026-01-03 10:00:00,open,2026-01-03 10:00:00
s5,2026-01-04 10:00:00.100,open,2026-01-04 10:01:00
""",
    "devices": """device_id,user_id,model,updated_at,ingested_at
d1,u1,small,2026-01-01 00:00:00,2026-01-01 00:00:00
d2,u2,small,2026-01-02 00:00:00,2026-01-02 00:00:00
""",
}
CHANGES = {
    "sends": [
        ("s2,u1,d1,c1,", "s2,u1,d1,c3,"),  # another campaign: its click of the third is another one's too
        ("s3,u2,d2,c2,2026-01-02 11", "s5,u2,d2,c2,2026-01-02 11"),  # s5 of the fourth is now a duplicate
    ],
    "devices": [("d2,u2,small", "d2,u2,large")],
}
NOT_COMPARED = {"ingest_counts"}
"""What a run reads and does not know yet depends on the run."""


@pytest.fixture(scope="module", autouse=True)
def _one_partition(spark: SparkSession) -> Iterator[None]:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    yield
    spark.conf.set("spark.sql.shuffle.partitions", str(before))


def write_log(folder: Path, *, corrected: bool, since: date = FIRST) -> None:
    folder.mkdir(exist_ok=True)
    mapping = ["[time]", "[bots]", "min_reaction_ms = 200"]
    for table, text in LOG.items():
        for was, now in CHANGES.get(table, []) if corrected else []:
            assert was in text
            text = text.replace(was, now)
        header, *lines = text.splitlines()
        kept = [line for line in lines if line.rpartition(",")[2] >= str(since)]
        (folder / f"{table}.csv").write_text("\n".join([header, *kept]))
        mapping += [f"[{table}]", f'source = "{table}.csv"', 'format = "csv"', "options = { header = true }"]
        mapping += [f"[{table}.columns]", *(f'{name} = "{name}"' for name in header.split(","))]
    (folder / "my.toml").write_text("\n".join(mapping))


def call(spark: SparkSession, job: Any, root: Path, ds: date) -> list[str]:
    logs = root.parent / "logs"
    more = f"--mapping {logs}/my.toml --input {logs}" if job is ingest_logs else ""
    said = StringIO()
    with redirect_stderr(said):
        job.run(spark, job.arg_parser().parse_args(f"--root {root} --ds {ds} {more}".split()))
    return said.getvalue().splitlines()


def contents(lake: Lake, table: str, since: date | None = None) -> list[str]:
    return sorted(row.j for row in lake.read(table, since=since).selectExpr("to_json(struct(*)) j").collect())


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of all days, with the audience of the last two."""
    root = tmp_path_factory.mktemp("corrected") / "lake"
    write_log(root.with_name("logs"), corrected=False)
    call(spark, ingest_logs, root, LAST)
    call(spark, aggregate_day, root, LAST)
    for ds in (LAST - timedelta(days=1), LAST):
        call(spark, build_features, root, ds)
    return root


def test_a_day_of_a_long_run_can_be_run_again_by_itself(spark: SparkSession, root: Path) -> None:
    """And when nothing differs, nothing is to be done again."""
    made = {table: Lake(spark, str(root)).days(table) for table in ("push_partials", "requests")}
    assert not any("corrected" in line for line in call(spark, ingest_logs, root, CORRECTED))
    call(spark, aggregate_day, root, CORRECTED)
    assert {table: Lake(spark, str(root)).days(table) for table in made} == made


def test_a_corrected_day_gives_what_a_full_rebuild_gives(spark: SparkSession, root: Path) -> None:
    write_log(root.with_name("logs"), corrected=True)
    said = call(spark, ingest_logs, root, CORRECTED)
    assert said[-1] == (
        "an earlier day was corrected: run ingest_logs again for 2026-01-03 to 2026-01-05 (--ds 2026-01-05 takes them "
        "all where the source has them, else day by day), then aggregate_day and build_features --ds 2026-01-05"
    )
    for job in (ingest_logs, aggregate_day, build_features):
        assert not any("corrected" in line for line in call(spark, job, root, LAST))
    rebuilt = Path(root.parent / "rebuilt")
    for job in (ingest_logs, aggregate_day, build_features):
        call(spark, job, rebuilt, LAST)
    lake, expected = Lake(spark, str(root)), Lake(spark, str(rebuilt))
    tables = [table for table in expected.tables() if table not in NOT_COMPARED]
    assert lake.tables() == expected.tables()
    for table in tables:
        since = expected.days(table)[0] if table == PRIOR_SUMS else None  # a lake keeps those of runs before
        assert contents(lake, table, since) == contents(expected, table), table
    assert {json.loads(row)["campaign_id"] for row in contents(lake, "clicks")} == {"c2", "c3"}


def test_a_source_of_single_days_is_taken_day_by_day(spark: SparkSession, root: Path) -> None:
    write_log(root.with_name("logs"), corrected=False)
    call(spark, ingest_logs, root, CORRECTED)
    write_log(root.with_name("logs"), corrected=False, since=LAST)
    left = next(line for line in call(spark, ingest_logs, root, LAST) if "corrected" in line)
    assert "again for 2026-01-03 to 2026-01-04 (" in left
    assert left in call(spark, aggregate_day, root, LAST)
    assert {row["send_id"] for row in Lake(spark, str(root)).read("sends", since=LAST).collect()} == {"s6", "s7"}


def test_what_was_pruned_cannot_be_corrected(spark: SparkSession, root: Path) -> None:
    lake = Lake(spark, str(root))
    lake.keep("sends", [LAST])
    write_log(root.with_name("logs"), corrected=True)
    partials = contents(lake, "push_partials")
    with pytest.raises(BadInput, match=r"2026-01-02 differs .* the sends of 2026-01-02 to 2026-01-04, .* too old"):
        call(spark, ingest_logs, root, CORRECTED)
    assert contents(lake, "push_partials") == partials
