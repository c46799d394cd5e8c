"""Find the users who are most like those who clicked a campaign, and were not sent it yet.

Reads the codes of the audience of --ds, as encode_users --requests audience wrote them (with --embedding day where the
champion has no embedding), and who was sent and who clicked the campaigns, as far as it was known by then. Left out,
and counted by reason: who was sent the campaign, who may not be sent to, and who has no code. Writes
ROOT/lookalikes/ds=DAY in place of what an earlier run of the day found, and its counts. By hand, not nightly.

Users stay on the executors: each task looks through its own, and only the best of each come together. The driver holds
the codes of at most 50,000 users, from which bits are learned.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.cli import at_least, job_parser, run_job, say
from jobs.embedding import audience_codes_table
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.lookalike_search import lookalikes, means_of
from jobs.lookalike_users import LookalikeUsers, collected_codes
from models.lookalikes import Directions, rows_of, weights_between
from models.semantic_hashing import MOST_LEARNED_FROM, fit_itq

LOOKALIKES, COUNTS = "lookalikes", "lookalike_counts"


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument(
        "--campaign", required=True, nargs="+", metavar="ID", help="campaigns whose clickers are to be matched"
    )
    parser.add_argument("--top", type=at_least(1), default=1000, metavar="K", help="users a campaign (default: 1000)")
    parser.add_argument("--bits", type=at_least(1), default=64, help="length of the binary codes (default: 64)")
    parser.add_argument(
        "--min-clickers", type=at_least(1), default=20, metavar="N", help="fewer are refused (default: 20)"
    )
    parser.add_argument("--embedding", metavar="VERSION", help="whose codes, where the day has those of several")
    parser.add_argument("--seed", type=int, default=0, help="what bits are learned with")
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Find the lookalikes of ``args.campaign`` as of the end of ``args.ds``."""
    lake = Lake(spark, args.root)
    version = _version(lake, args.ds, args.embedding)
    campaigns = list(dict.fromkeys(args.campaign))
    people = LookalikeUsers.of(lake, args.ds, audience_codes_table(version), campaigns)
    users = people.with_code().persist()
    try:
        width = people.width()
        means = means_of(users, width, len(campaigns))
        _check_clickers(campaigns, means.n_clickers, args)
        rows = rows_of(collected_codes(people.sample(MOST_LEARNED_FROM, args.seed), width)[1])
        of_campaigns = zip(means.clickers, means.n_clickers.tolist(), strict=True)
        weights = np.array([weights_between(one, n, means.everybody) for one, n in of_campaigns])
        found = lookalikes(users, Directions(fit_itq(rows, bits=args.bits, seed=args.seed), weights), args.top)
        lake.write(LOOKALIKES, _named(found, campaigns, version, args.ds), [args.ds])
    finally:
        users.unpersist()
    counts = _counts(lake, args.ds, means.n_clickers, people)
    for one in counts:
        said = f"{one['campaign_id']}: {one['found']:,} users like its {one['clickers']:,} clickers"
        say(f"{said}; left out: {_words(one['left_out'])}")
    lake.put_json(COUNTS, args.ds, {"bits": args.bits, "embedding_version": version, "campaigns": counts})


def _version(lake: Lake, ds: date, asked: str | None) -> str:
    """Give the one embedding whose codes are read: codes of two have nothing to do with each other."""
    tables = [table for table in lake.tables("audience_codes") if ds in lake.days(table)]
    found = [table.partition("/")[2] for table in tables]
    if asked is not None and asked in found:
        return asked
    if asked is None and len(found) == 1:
        return found[0]
    if not found:
        raise BadInput(
            f"no codes of the audience of {ds} in {lake.root}; run encode_users --requests audience first, "
            "with --embedding day where the champion has no embedding"
        )
    expected = ", ".join(found)
    raise BadInput(f"--embedding: expected one of {expected}, which must not be mixed; got {asked or 'none'}")


def _check_clickers(campaigns: Sequence[str], n_clickers: NDArray[np.int64], args: argparse.Namespace) -> None:
    for campaign, n in zip(campaigns, n_clickers.tolist(), strict=True):
        if n < args.min_clickers:
            raise BadInput(
                f"--campaign {campaign}: expected at least {args.min_clickers} users of the audience of {args.ds} who "
                f"clicked it and have a code, got {n}"
            )


def _named(found: DataFrame, campaigns: Sequence[str], version: str, ds: date) -> DataFrame:
    """Give the columns of the table."""
    names = F.array([F.lit(campaign) for campaign in campaigns])
    own = (F.lit(version).alias("embedding_version"), F.lit(ds).alias("ds"))
    campaign = F.element_at(names, F.col("campaign") + 1).alias("campaign_id")
    return found.select(campaign, "rank", "user_id", "similarity", *own)


def _counts(lake: Lake, ds: date, n_clickers: NDArray[np.int64], people: LookalikeUsers) -> list[dict[str, Any]]:
    written = lake.read(LOOKALIKES, since=ds, until=ds).groupBy("campaign_id")
    rows = written.agg(F.count("*").alias("found"), F.min("similarity").alias("lowest_similarity")).collect()
    found = {row["campaign_id"]: {name: row[name] for name in ("found", "lowest_similarity")} for row in rows}
    left_out, nobody = people.left_out(), {"found": 0, "lowest_similarity": None}
    return [
        {"campaign_id": campaign, "clickers": n, "left_out": left_out[campaign], **found.get(campaign, nobody)}
        for campaign, n in zip(people.campaigns, n_clickers.tolist(), strict=True)
    ]


def _words(left_out: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {reason}" for reason, n in left_out.items()) or "nobody"


if __name__ == "__main__":
    run_job(arg_parser, run)
