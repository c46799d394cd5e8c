"""Join labels, features and codes into labelled rows, split by time.

A row is a send whose label is final; its features and its user's code are those of the midnight that served it. Users
who were known for bots by then have no rows.
"""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.attribution import with_label
from features.bots import with_bot_rule
from features.catalogue import feature_schema, keys_of
from features.rows import PRIORS, feature_rows, history_table
from features.splits import PARTS, Split, with_part
from jobs.cli import job_parser, run_job, say
from jobs.embedding import EMBEDDING_VERSION, EMBEDDINGS, codes_table, read_manifest
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.log_note import LogNote, read_note
from jobs.past import BOT_FLAGS
from jobs.split_arguments import add_split_arguments, split_of

TRAINING_SET, META = "training_set", "training_set_meta"


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    add_split_arguments(parser)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Build the training set of ``args.ds``."""
    lake = Lake(spark, args.root)
    note = read_note(lake, args.ds)
    split = split_of(args, note.rules)
    embedding = read_manifest(lake.get_folder(EMBEDDINGS, args.ds))
    span = _span(lake, split)
    requests = with_part(lake.read("requests", **span), split, note.rules)
    requests, of_bots = _without_bots(lake, note, span, requests)
    rows = _labelled(lake, note, span, requests).join(
        lake.read(codes_table(embedding["version"]), since=split.train[0], until=args.ds).drop(EMBEDDING_VERSION),
        ["user_id", "as_of", "ds"],
        how="left",
    )
    lake.write(TRAINING_SET, rows.withColumn("ds", F.lit(args.ds)), [args.ds])
    parts = _parts(lake.read(TRAINING_SET, since=args.ds, until=args.ds), split)
    lake.put_json(META, args.ds, {
        "schema": feature_schema(note.has), "embedding": embedding, "parts": parts,
        "time_rules": note.rules.to_dict(), "split": split.to_dict(), "bots": of_bots,
    })  # fmt: skip
    for part, found in parts.items():
        days = f"{found['first_as_of']} to {found['last_as_of']}"
        say(f"{part}: {found['rows']:,} sends, {found['clicks']:,} clicked, {days}")


def _span(lake: Lake, split: Split) -> dict[str, date]:
    """Days of the lake with requests of the split, and with what is known of them."""
    return {"since": split.train[0], "until": max(day for day in lake.days("requests") if day < split.end)}


def _without_bots(
    lake: Lake, note: LogNote, span: dict[str, date], requests: DataFrame
) -> tuple[DataFrame, dict[str, int]]:
    """Leave out the requests of users who were known for bots, and count them by rule."""
    if not note.bots.active:
        return requests, {}
    judged = with_bot_rule(requests, lake.read(BOT_FLAGS, until=span["until"]), note.bots)
    found = judged.dropna(subset="bot_rule").groupBy("bot_rule").count().collect()
    of_bots = {rule: n for rule, n in sorted(found)}
    for rule, n in of_bots.items():
        say(f"left out: {n:,} sends to users flagged as bots by {rule}")
    return judged.where("bot_rule IS NULL").drop("bot_rule"), of_bots


def _labelled(lake: Lake, note: LogNote, span: dict[str, date], requests: DataFrame) -> DataFrame:
    """Feature rows with ``part`` and ``label``, one a request."""
    sends = requests.withColumn("sent_at", F.col("send_at"))
    clicks = lake.read("clicks", **span).drop("sent_at", "ds").join(sends.select("send_id", "sent_at"), "send_id")
    labelled = with_label(requests, clicks, note.rules)
    histories = {key: lake.read(history_table(key), **span) for key in keys_of(note.has)}
    return feature_rows(labelled, histories, lake.read(PRIORS, **span), note.has)


def _parts(rows: DataFrame, split: Split) -> dict[str, dict[str, Any]]:
    """Rows and clicks of each part.

    Raises
    ------
    BadInput
        When a part has no row, or none that was clicked.
    """
    found = {
        row["part"]: row.asDict()
        for row in rows.groupBy("part")
        .agg(F.count("*").alias("rows"), F.sum("label").alias("clicks"), F.min("as_of").alias("first_as_of"),
             F.max("as_of").alias("last_as_of"))
        .collect()
    }  # fmt: skip
    for part in PARTS:
        first, last = getattr(split, part)
        if part not in found or not 0 < found[part]["clicks"] < found[part]["rows"]:
            got = f"{found[part]['rows']} sends, {found[part]['clicks']} clicked" if part in found else "none"
            raise BadInput(f"{part} ({first} to {last}): expected mature sends, clicked and not, got {got}")
    return {
        part: {**found[part], "first_as_of": str(found[part]["first_as_of"]),
               "last_as_of": str(found[part]["last_as_of"])}
        for part in PARTS
    }  # fmt: skip


if __name__ == "__main__":
    run_job(arg_parser, run)
