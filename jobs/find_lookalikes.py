"""Find the users who are most like those who clicked a campaign, and were not sent it yet.

Reads the codes of the audience of --ds, as encode_users --requests audience wrote them (with --embedding day where the
champion has no embedding), and who was sent and who clicked the campaigns, as far as it was known by then. Left out,
and counted by reason: who was sent the campaign, who may not be sent to, and who has no code. Writes
ROOT/lookalikes/ds=DAY in place of what an earlier run of the day found, and its counts. By hand, not nightly.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.carried import PUSHES, carried_day, read_with_carried
from jobs.cli import at_least, job_parser, run_job, say
from jobs.embedding import audience_codes_table, codes_matrix
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.log_note import read_note
from models.lookalikes import HashedUsers, UserCodes, direction_of
from models.semantic_hashing import fit_itq

LOOKALIKES, COUNTS = "lookalikes", "lookalike_counts"
COLUMNS = "campaign_id string, rank int, user_id string, similarity double, embedding_version string, ds date"
SENT, NO_CODE = "sent", "no_code"


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
    people = lake.read("audience", since=args.ds, until=args.ds).select("user_id", "left_out").toArrow()
    left_out = dict(zip(people["user_id"].to_pylist(), people["left_out"].to_pylist(), strict=True))
    names, codes = collected_codes(lake.read(audience_codes_table(version), since=args.ds, until=args.ds))
    place = {name: i for i, name in enumerate(names)}
    met = _met(lake, args.ds, args.campaign)
    seeds = {campaign: _seeds(campaign, clicked, place, args) for campaign, (_, clicked) in met.items()}
    users = UserCodes.of(version, codes)
    hashed = HashedUsers.of(users, fit_itq(users.rows, bits=args.bits, seed=args.seed))
    rows: list[tuple[Any, ...]] = []
    counts: list[dict[str, Any]] = []
    for campaign, (sent, _) in met.items():
        eligible = np.array([name not in sent and left_out.get(name, NO_CODE) is None for name in names])
        found, similarity = hashed.find(direction_of(users, seeds[campaign]), eligible, top=args.top)
        rows += [
            (campaign, i + 1, names[at], float(s), version, args.ds)
            for i, (at, s) in enumerate(zip(found, similarity, strict=True))
        ]
        out = _left_out(left_out, sent, place)
        counts.append(
            {"campaign_id": campaign, "clickers": len(seeds[campaign]), "found": len(found), "left_out": out}
            | {"lowest_similarity": float(similarity[-1]) if len(found) else None}
        )
        say(f"{campaign}: {len(found):,} users like its {len(seeds[campaign]):,} clickers; left out: {_words(out)}")
    lake.write(LOOKALIKES, spark.createDataFrame(rows, COLUMNS), [args.ds])
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


def collected_codes(rows: DataFrame) -> tuple[list[str], sp.csr_matrix]:
    """Collect codes in the order of the user."""
    table: pa.Table = rows.select("user_id", "latents", "latent_values").orderBy("user_id").toArrow()
    width = pc.max(pc.list_flatten(table["latents"])).as_py()
    matrix = codes_matrix(table, 0 if width is None else width + 1)
    return table["user_id"].to_pylist(), matrix


def _met(lake: Lake, ds: date, campaigns: Iterable[str]) -> dict[str, tuple[set[str], set[str]]]:
    """Give who was sent and who clicked each campaign, as known by the end of a day; impossible clicks are not in."""
    met: dict[str, tuple[set[str], set[str]]] = {campaign: (set(), set()) for campaign in campaigns}
    carried = carried_day(lake, read_note(lake, ds), ds + timedelta(days=1))
    pushes = read_with_carried(lake, PUSHES, ds, carried).where(F.col("campaign_id").isin(list(met)))
    sums = pushes.groupBy("campaign_id", "user_id").agg(F.sum("sends").alias("sends"), F.sum("clicks").alias("clicks"))
    for row in sums.collect():
        sent, clicked = met[row.campaign_id]
        if row.sends:
            sent.add(row.user_id)
        if row.clicks:
            clicked.add(row.user_id)
    return met


def _seeds(campaign: str, clicked: set[str], place: dict[str, int], args: argparse.Namespace) -> np.ndarray:
    seeds = np.array(sorted(place[user] for user in clicked if user in place), dtype=np.int64)
    if len(seeds) < args.min_clickers:
        raise BadInput(
            f"--campaign {campaign}: expected at least {args.min_clickers} users of the audience of {args.ds} who "
            f"clicked it and have a code, got {len(seeds)}"
        )
    return seeds


def _left_out(people: dict[str, str | None], sent: set[str], place: dict[str, int]) -> dict[str, int]:
    """Count who is not looked for: one reason a user, the first that holds."""
    reasons = Counter(
        reason or (SENT if user in sent else NO_CODE)
        for user, reason in people.items()
        if reason or user in sent or user not in place
    )
    return dict(sorted(reasons.items()))


def _words(left_out: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {reason}" for reason, n in left_out.items()) or "nobody"


if __name__ == "__main__":
    run_job(arg_parser, run)
