"""Write the codes of exactly the (user, as_of) requests that are asked for.

--requests training: the requests of the training set of --ds, by the embedding trained that day, and those of its
hold-out by the champion's embedding, so that the champion can be measured on the same rows.
--requests audience: the audience at the midnight that ends --ds, by the champion's embedding; with --embedding day, by
the one trained that day, for find_lookalikes where the champion has none.
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.behaviour import behaviour_cells
from features.splits import Split
from jobs.cli import add_tracking_argument, job_parser, run_job, say
from jobs.embedding import (
    EMBEDDING_VERSION,
    EMBEDDINGS,
    audience_codes_table,
    codes_table,
    distinct_users,
    encoded,
    read_manifest,
)
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.past import read_past
from jobs.registry import champion_bundle
from jobs.split_arguments import add_split_arguments, split_of
from jobs.token_schema import check_token_schema


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument("--requests", choices=("training", "audience"), default="training", help="whose codes")
    parser.add_argument(
        "--embedding", choices=("champion", "day"), default="champion", help="whose codes the audience gets"
    )
    add_split_arguments(parser)
    add_tracking_argument(parser)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Encode for ``args.ds``."""
    lake = Lake(spark, args.root)
    note = read_note(lake, args.ds)
    champion = _champion_embedding(args)
    if args.requests == "audience":
        chosen = champion if args.embedding == "champion" else lake.get_folder(EMBEDDINGS, args.ds)
        if chosen is None:
            say("no champion with an embedding: no audience to encode; --embedding day takes the one of the day")
            return
        check_token_schema(read_manifest(chosen), note)
        _encode_audience(spark, lake, chosen, args.ds)
        return
    split = split_of(args, note.rules)
    trained = lake.get_folder(EMBEDDINGS, args.ds)
    check_token_schema(read_manifest(trained), note)
    _encode_training(spark, lake, trained, split, args.ds, since=split.train[0])
    if champion is not None and read_manifest(champion)["version"] != read_manifest(trained)["version"]:
        try:
            check_token_schema(read_manifest(champion), note)
        except BadInput as error:  # the champion cannot be measured then, and the gate says so
            say(f"the champion's codes are left out: {error}")
            return
        _encode_training(spark, lake, champion, split, args.ds, since=split.holdout[0])


def _champion_embedding(args: argparse.Namespace) -> Path | None:
    champion = champion_bundle(args.tracking_uri, args.root)
    if champion is None:
        return None
    folder = champion[0] / "embedding"
    return folder if folder.exists() else None


def _encode_training(spark: SparkSession, lake: Lake, folder: Path, split: Split, ds: date, *, since: date) -> None:
    days = [day for day in lake.days("requests") if since <= day <= ds]
    requests = lake.read("requests", since=since, until=ds).where(F.col("as_of").between(since, split.holdout[1]))
    keys = distinct_users(requests, "ds")
    cells = behaviour_cells(read_past(lake, read_note(lake, ds), ds, as_of=since))
    version = read_manifest(folder)["version"]
    codes = encoded(spark, keys, cells, folder)
    lake.write(codes_table(version), codes.withColumn(EMBEDDING_VERSION, F.lit(version)), days)
    say(f"encoded {len(days)} days of requests by embedding {version}")


def _encode_audience(spark: SparkSession, lake: Lake, folder: Path, ds: date) -> None:
    people = lake.read("audience", since=ds, until=ds).where("left_out IS NULL")
    cells = behaviour_cells(read_past(lake, read_note(lake, ds), ds, as_of=ds + timedelta(days=1)))
    codes = encoded(spark, distinct_users(people), cells, folder)
    version = read_manifest(folder)["version"]
    own = {EMBEDDING_VERSION: F.lit(version), "ds": F.lit(ds)}
    lake.write(audience_codes_table(version), codes.withColumns(own), [ds])
    say(f"encoded the audience by embedding {version}")


if __name__ == "__main__":
    run_job(arg_parser, run)
