"""Score the audience: the champion's click probability of every user for every campaign to come.

Users who opted out, uninstalled, switched pushes off, were forgotten or are known for bots are left out, and counted
by reason.
"""

from __future__ import annotations

import argparse
from datetime import date
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from features.scoring_parts import Parts
from jobs.batch_scoring import Served, read_served, scored
from jobs.cli import add_tracking_argument, at_least, job_parser, run_job, say
from jobs.lake import Lake
from jobs.registry import champion_bundle
from jobs.score_files import schema_with, write_score_files
from jobs.scoring_rows import raw_parts
from jobs.storage import is_local
from models.serving.manifest import read_manifest

SCORES, SCORE_COUNTS = "scores", "score_counts"

GROUP_ROWS = 50_000
"""Most scores of a row group, which is what a reader of one campaign reads."""

LAYOUT: dict[str, Any] = {"by": ("campaign_id",), "group_rows": GROUP_ROWS}
"""How scores lie in their files, see ``Lake.write``."""


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument("--top", type=at_least(1), metavar="K", help="keep only the K likeliest users of each campaign")
    parser.add_argument(
        "--engine", metavar="NAME", help="what runs the model: quickscorer, for compact trees of up to 64 leaves, or "
        "one of the format's own (default: the first that runs it)"
    )  # fmt: skip
    add_tracking_argument(parser)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Score the audience of ``args.ds``."""
    lake = Lake(spark, args.root)
    people = lake.read("audience", since=args.ds, until=args.ds)
    left_out = {row["left_out"]: row["count"] for row in people.groupBy("left_out").count().collect()}
    counts: dict[str, Any] = {"users": left_out.pop(None, 0), "left_out": left_out, "scored": 0, "campaigns": 0}
    champion = champion_bundle(args.tracking_uri, args.root)
    if champion is None:
        say("no champion yet: nobody is scored")
    else:
        manifest = read_manifest(champion.folder, manifest_sha256=champion.manifest_sha256)
        served = read_served(champion.folder, manifest, args.engine)
        version, wanted = manifest["embedding_version"], served.raw_columns
        parts = raw_parts(lake, args.ds, version, counts["users"], wanted=wanted)
        if args.top is None:
            score_all(lake, args.ds, parts, served, manifest)
        else:
            write_scores(lake, args.ds, likeliest(scored(parts, served), args.top), manifest)
        counts |= _totals(lake.read(SCORES, since=args.ds, until=args.ds))
        say(f"scored {counts['scored']:,} requests: {counts['users']:,} users, {counts['campaigns']:,} campaigns")
    lake.put_json(SCORE_COUNTS, args.ds, counts)
    for reason, n in sorted(left_out.items()):
        say(f"left out: {n:,} users, {reason}")


def score_all(lake: Lake, ds: date, parts: Parts, served: Served, manifest: dict[str, Any]) -> None:
    """Write the scores of all users of a day: workers do, where the lake is a folder, and else Spark."""
    if not is_local(lake.root):
        write_scores(lake, ds, scored(parts, served), manifest)
        return
    versions = _versions(manifest)
    write = partial(write_score_files, parts, served, versions, group_rows=LAYOUT["group_rows"])
    lake.write_files(SCORES, from_arrow_schema(schema_with(versions)), ds, write)


def likeliest(scores: DataFrame, k: int) -> DataFrame:
    """Keep the ``k`` likeliest of each campaign; of equals, those that come first by user, device and time."""
    order = Window.partitionBy("campaign_id").orderBy(F.desc("p_click"), "user_id", "device_id", "send_at")
    return scores.withColumn("_place", F.row_number().over(order)).where(F.col("_place") <= k).drop("_place")


def write_scores(lake: Lake, ds: date, scores: DataFrame, manifest: dict[str, Any]) -> None:
    """Write the scores of a day, sorted by campaign within each file, with the versions that gave them."""
    versions = {name: F.lit(value).cast("string") for name, value in _versions(manifest).items()}
    rows = scores.withColumns(versions).withColumn("ds", F.lit(ds))
    lake.write(SCORES, rows, [ds], **LAYOUT)


def _versions(manifest: dict[str, Any]) -> dict[str, str | None]:
    return {"model_version": manifest["version"], "embedding_version": manifest["embedding_version"]}


def _totals(scores: DataFrame) -> dict[str, int]:
    row = scores.agg(F.count("*").alias("scored"), F.countDistinct("campaign_id").alias("campaigns")).first()
    return row.asDict() if row else {}


if __name__ == "__main__":
    run_job(arg_parser, run)
