"""Time and memory of `find_lookalikes` among many users, with generated codes and clicks.

Each user was sent one of five campaigns, and the lookalikes of one are searched. Of those who have one latent a quarter
clicked, of others one in fifty; one user in fifty may not be sent to. Codes are as wide as the default ones: 64
latents, of which each user has 8. The lake is written once; then a fresh process with a `local[2]` session runs the
job. Memory is as in `scale.py` beside this one, and that of the driver's own Python.
"""

from __future__ import annotations

import argparse
import json
import resource
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from features.bots import BotRules
from features.time_rules import TimeRules
from jobs import find_lookalikes
from jobs.carried import PUSHES
from jobs.embedding import audience_codes_table
from jobs.lake import Lake
from jobs.log_note import LogNote, note_days, write_note
from jobs.session import make_session
from tests.benchmarks.embeddings.scale import alone, measured_alone, settings_of

DS = date(2026, 1, 31)
LATENTS, K, CAMPAIGNS = 64, 8, 5
CLICK_SHARE, LIKED_SHARE = 0.02, 0.25


def write_lake(spark: SparkSession, root: Path, n_users: int) -> None:
    """Write what the job reads, unless it is there."""
    lake = Lake(spark, str(root))
    if DS in note_days(lake):
        return
    each = F.sequence(F.lit(0), F.lit(K - 1))
    latents = F.transform(each, lambda i: (i * (LATENTS // K) + _below(LATENTS // K, i)).cast("smallint"))
    values = F.transform(each, lambda i: (1 + _below(100, i, F.lit("value")) / 50).cast("float"))
    own = (F.format_string("u%08d", "id").alias("user_id"), F.lit(DS).alias("ds"))
    users = spark.range(n_users).select("id", *own, latents.alias("latents"), values.alias("latent_values"))
    left_out = F.when(_below(50, F.lit("left out")) == 0, "opt_out").alias("left_out")
    lake.write("audience", users.select("user_id", "ds", left_out), [DS])
    lake.write(audience_codes_table("v1"), users.select("user_id", "ds", "latents", "latent_values"), [DS])
    share = F.when(F.element_at("latents", 1) == 0, LIKED_SHARE).otherwise(CLICK_SHARE)
    clicks = (_below(1000, F.lit("click")) < 1000 * share).cast("long").alias("clicks")
    campaign = F.concat(F.lit("c"), _below(CAMPAIGNS, F.lit("campaign"))).alias("campaign_id")
    lake.write(PUSHES, users.select("user_id", "ds", campaign, F.lit(1).cast("long").alias("sends"), clicks), [DS])
    write_note(lake, DS, LogNote("benchmark", TimeRules(), ("clicks", "sends"), BotRules()))


def _below(limit: int, *names: Column) -> Column:
    """Draw a whole number by the hash of the user and names."""
    return F.pmod(F.xxhash64("id", *names), F.lit(limit))


def find(root: Path, settings: list[str]) -> dict[str, Any]:
    """Search once, in this process."""
    words = ["--root", str(root), "--ds", str(DS), "--campaign", "c0"]
    found = measured_alone(find_lookalikes, words, settings)
    return {**found, "driver": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.embeddings.lookalike_scale", description=__doc__)
    parser.add_argument("--output", required=True, type=Path, help="folder for the lakes; kept")
    parser.add_argument("--users", nargs="+", type=int, default=[1_000_000])
    parser.add_argument("--driver-memory", default="4g")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    settings = settings_of(args.driver_memory)
    if args.only:
        print(json.dumps(find(args.output / f"lookalikes-{args.only}", settings)))
        return
    spark = make_session("bench-lookalike-scale-prepare", settings)
    try:
        for users in args.users:
            write_lake(spark, args.output / f"lookalikes-{users}", users)
    finally:
        spark.stop()
    print("| users | seconds | users/s | JVM, MiB | Python workers, MiB | driver, MiB |\n|---|---|---|---|---|---|")
    for users in args.users:
        one = alone("tests.benchmarks.embeddings.lookalike_scale", args, users)
        print(f"| {users:,} | {one['seconds']:.1f} | {users / one['seconds']:,.0f} | {one['jvm']:,.0f} |"
              f" {one['workers']:,.0f} | {one['driver']:,.0f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
