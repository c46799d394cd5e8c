"""Score the audience: the champion's click probability of every user for every campaign to come.

Users who opted out, uninstalled, switched pushes off, were forgotten or are known for bots are left out, and counted
by reason.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from features.catalogue import keys_of
from features.crossing import scoring_rows
from features.rows import PRIORS, history_table
from jobs.cli import add_tracking_argument, at_least, job_parser, run_job, say
from jobs.embedding import audience_codes_table
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.registry import champion_bundle
from models.batch import to_encode
from models.serving.manifest import read_manifest, read_verified
from models.serving.scorer import Scorer

SCORES, SCORE_COUNTS = "scores", "score_counts"
SCORED_AS = ("user_id", "device_id", "campaign_id", "send_at")


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument("--top", type=at_least(1), metavar="K", help="keep only the K likeliest users of each campaign")
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
        scores = _scores(lake, champion.folder, manifest, people.where("left_out IS NULL"), args.ds)
        lake.write(SCORES, _top(scores, args.top).withColumn("ds", F.lit(args.ds)), [args.ds])
        counts |= _totals(lake.read(SCORES, since=args.ds, until=args.ds))
        say(f"scored {counts['scored']:,} requests: {counts['users']:,} users, {counts['campaigns']:,} campaigns")
    lake.put_json(SCORE_COUNTS, args.ds, counts)
    for reason, n in sorted(left_out.items()):
        say(f"left out: {n:,} users, {reason}")


def _scores(lake: Lake, folder: Any, manifest: dict[str, Any], people: DataFrame, ds: date) -> DataFrame:
    contents = read_verified(folder, manifest, manifest["serving_files"])
    serving_format = manifest["serving_format"]
    rows = _rows(lake, people, ds, manifest["embedding_version"])
    scored = rows.mapInArrow(
        lambda batches: _score_batches(serving_format, contents, batches),
        "user_id string, device_id string, campaign_id string, send_at timestamp, p_click double",
    )
    return scored.withColumns(
        {
            "model_version": F.lit(manifest["version"]),
            "embedding_version": F.lit(manifest["embedding_version"]).cast("string"),
        }
    )


def _rows(lake: Lake, people: DataFrame, ds: date, embedding_version: str | None) -> DataFrame:
    """Raw feature rows of the audience crossed with the campaigns to come."""
    note = read_note(lake, ds)

    def today(table: str) -> DataFrame:
        return lake.read(table, since=ds, until=ds).drop("ds")

    histories = {key: today(history_table(key)) for key in keys_of(note.has)}
    users = people.select("user_id", "device_id", "as_of")
    if embedding_version is not None:
        users = users.join(today(audience_codes_table(embedding_version)), ["user_id", "as_of"], how="left")
    rows = scoring_rows(users, today("campaigns_to_come"), histories, today(PRIORS), note.has, rules=note.rules)
    return rows.drop("as_of")


def _score_batches(
    serving_format: str, contents: dict[str, bytes], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    scorer = Scorer.from_contents(serving_format, contents)
    for batch in batches:
        p_click = pa.array(scorer.score(to_encode(batch, scorer.encoder)), pa.float64())
        yield pa.RecordBatch.from_arrays(
            [*(batch.column(name) for name in SCORED_AS), p_click], [*SCORED_AS, "p_click"]
        )


def _top(scores: DataFrame, k: int | None) -> DataFrame:
    if k is None:
        return scores
    order = Window.partitionBy("campaign_id").orderBy(F.desc("p_click"), "user_id")
    return scores.withColumn("_place", F.row_number().over(order)).where(F.col("_place") <= k).drop("_place")


def _totals(scores: DataFrame) -> dict[str, int]:
    row = scores.agg(F.count("*").alias("scored"), F.countDistinct("campaign_id").alias("campaigns")).first()
    return row.asDict() if row else {}


if __name__ == "__main__":
    run_job(arg_parser, run)
