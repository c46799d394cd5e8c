"""Flag users and devices whose behaviour the embedding of the day rebuilds worse than that of others as active.

The behaviour is that known as of the midnight that ends --ds. A device's is what all its users did together, so a
device that many accounts share is no person's. The score is a robust z-score among users with about as many events;
whoever has fewer than --min-events is not judged. Flags leave nobody out of training or scoring: rules on bots do, in
the mapping.

Not a part of the daily chain; the report shows the flags of a day that has them. Reads what users did, the embedding of
the day and the flags of bots. Writes the table anomalies (kind, id, score, events, users, reasons, bot_rule,
embedding_version) and ROOT/anomaly_counts/ds=DAY.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits

from features.behaviour import in_words
from features.bots import BotRules, flags_at
from jobs.behaviour_owners import Owners, devices_of, users_of
from jobs.cli import at_least, job_parser, run_job, say
from jobs.embedding import EMBEDDINGS
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.past import BOT_FLAGS, read_past
from jobs.token_schema import check_token_schema
from models.anomalies import PeerScale, out_of_line, rebuild_errors, surprises
from models.autoencoder.store import StoredAutoencoder, load

ANOMALIES, COUNTS = "anomalies", "anomaly_counts"
COLUMNS = (
    "kind string, id string, score double, events long, users int, reasons array<string>, bot_rule string, "
    "embedding_version string, ds date"
)


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument("--limit", type=float, default=4.0, metavar="Z", help="lowest score to flag (default: 4)")
    parser.add_argument(
        "--most-share",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="most users, and devices, to flag (default: 0.01)",
    )
    parser.add_argument("--min-events", type=at_least(1), default=10, help="least behaviour to judge by (default: 10)")
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Flag the anomalies of ``args.ds``."""
    if not 0 < args.most_share <= 1:
        raise BadInput(f"--most-share: expected a share above 0 and up to 1, got {args.most_share}")
    lake = Lake(spark, args.root)
    embedding, note = load(lake.get_folder(EMBEDDINGS, args.ds)), read_note(lake, args.ds)
    check_token_schema(embedding.manifest, note)
    past = read_past(lake, note, args.ds, as_of=args.ds + timedelta(days=1))
    users = users_of(spark, past, embedding, args.ds)
    devices = devices_of(past, users, args.ds)
    rules = _bot_rules(lake, args.ds, note.bots)
    rows: list[tuple[Any, ...]] = []
    counts: dict[str, Any] = {}
    with threadpool_limits(limits=1):
        for owners, scores in zip((users, devices), scored(embedding, (users, devices), args.min_events), strict=True):
            flagged = out_of_line(scores, limit=args.limit, most_share=args.most_share)
            rows += _rows(embedding, owners, scores, flagged, users.ids, rules, args.ds)
            counts[owners.kind] = {"judged": int(np.isfinite(scores).sum()), "flagged": len(flagged)}
            say(f"{len(flagged):,} of {counts[owners.kind]['judged']:,} {owners.kind}s flagged")
    settings = {"limit": args.limit, "most_share": args.most_share, "min_events": args.min_events}
    lake.put_json(COUNTS, args.ds, {**settings, **counts, "embedding_version": embedding.manifest["version"]})
    lake.write(ANOMALIES, spark.createDataFrame(rows, COLUMNS), [args.ds])


def scored(embedding: StoredAutoencoder, of: tuple[Owners, ...], min_events: int) -> Iterator[NDArray[np.float64]]:
    """Give the score of all owners of each kind, NaN for those with less behaviour; the first kind sets what is usual.

    Raises
    ------
    BadInput
        When nobody of the first kind has so much behaviour.
    """
    scale: PeerScale | None = None
    for owners in of:
        events, error = owners.events, rebuild_errors(embedding.estimator, owners.counts)
        judged = events >= min_events
        if scale is None:
            if not judged.any():
                raise BadInput(f"expected {owners.kind}s with at least {min_events} events, got none")
            scale = PeerScale.fit(error[judged], events[judged])
        yield np.where(judged, scale.score(error, events), np.nan)


def _bot_rules(lake: Lake, ds: date, rules: BotRules) -> dict[str, str]:
    """Give the rule by which each user who counts as a bot at the end of a day was first known for one."""
    if not any(day <= ds for day in lake.days(BOT_FLAGS)):
        return {}
    flags = flags_at(ds + timedelta(days=1), lake.read(BOT_FLAGS, until=ds), rules)
    first = flags.groupBy("user_id").agg(F.min(F.struct("ds", "rule")).alias("first"))
    return {row["user_id"]: row["first"]["rule"] for row in first.collect()}


def _rows(
    embedding: StoredAutoencoder,
    owners: Owners,
    scores: NDArray[np.float64],
    flagged: NDArray[np.intp],
    user_ids: NDArray[np.object_],
    rules: dict[str, str],
    ds: date,
) -> Iterator[tuple[Any, ...]]:
    version, events = embedding.manifest["version"], owners.events
    for place in flagged.tolist():
        reasons = [
            f"{in_words(embedding.vocabulary[one.token])}: {one.count:,} ({one.expected:.1f} expected)"
            for one in surprises(embedding.estimator, owners.counts[place])
        ]
        theirs = user_ids[np.sort(owners.users[place].indices)]
        rule = min((rules[user] for user in theirs if user in rules), default=None)
        yield (
            owners.kind, owners.ids[place], float(scores[place]), int(events[place]), len(theirs), reasons, rule,
            version, ds,
        )  # fmt: skip


if __name__ == "__main__":
    run_job(arg_parser, run)
