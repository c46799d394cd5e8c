"""Read the history behind every request: what was known at its midnight of its user, device and campaign.

Requests are the sends that became known on a day (for training) and, for the midnight that ends --ds, the audience and
the campaigns to come (for scoring). Both get their histories from the same functions; the feature rows themselves are
made from requests and histories by ``features.rows.feature_rows`` wherever they are needed.

Days up to --ds that were aggregated and have no requests yet, or not since a day before them was corrected, are done in
the same Spark jobs; --ds is always done again. Of days before it, only training asks: an audience of theirs is dropped.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import chain

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.bots import flags_at
from features.campaign import with_category
from features.catalogue import keys_of
from features.device_kinds import with_kinds
from features.feature import CAMPAIGN, History, Key, is_pair
from features.last_devices import with_last_device
from features.partials import KINDS, of_shared
from features.parts import Parts
from features.requests import active_campaigns, audience, planned_sends, training_requests
from features.rows import ASKED, PRIORS, history_table, priors_of, read_histories, request_keys
from jobs.carried import PUSHES, carry
from jobs.cli import job_parser, run_job, say
from jobs.lake import Lake
from jobs.log_note import LogNote, days_to_do, read_note
from jobs.past import BOT_FLAGS, read_past
from jobs.prior_sums import sum_up
from jobs.side_by_side import side_by_side
from jobs.user_parts import with_user_parts

ACTIVE_DAYS = 7


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument("--hour", type=int, default=18, choices=range(24), metavar="0..23",
                        help="local hour at which campaigns without a plan are sent")  # fmt: skip
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Build requests and histories up to ``args.ds``."""
    lake = Lake(spark, args.root)
    note = read_note(lake, args.ds)
    days = days_to_do(lake, source=PUSHES, made="requests", ds=args.ds)
    folded = carry(lake, note, args.ds)  # first: this night, too, reads less by it
    if folded:
        say(f"carried on: days up to {folded} as one")
    sends = lake.read("sends", since=days[0], until=args.ds).where(F.col("ds").isin(days))
    asked_by_sends = training_requests(sends, note.rules).persist()
    oldest = _oldest_midnight(asked_by_sends, args.ds)
    past = read_past(lake, note, args.ds, as_of=oldest)
    shared_pushes = of_shared(past.pushes).persist()
    past = with_user_parts(lake, note, replace(past, shared_pushes=shared_pushes), args.ds, oldest)
    in_parts = [part.frame.persist() for part in chain.from_iterable(past.parted.values()) if isinstance(part, Parts)]
    requests = _with_devices(asked_by_sends, past).persist()
    people = _audience(lake, note, past, args.ds).persist()
    campaigns = _campaigns(lake, note, past, args.ds, args.hour).persist()
    midnights = requests.select("as_of", "ds").union(people.select("as_of", F.lit(args.ds))).distinct().persist()
    keys = _keys(note, past, requests, people, campaigns, args.ds)
    asked = {"audience": people, "campaigns_to_come": campaigns}
    frames = {
        **{name: frame.withColumn("ds", F.lit(args.ds)) for name, frame in asked.items()},
        **_histories(note, past, keys, requests, campaigns, args.ds),
    }

    for name in asked:
        _drop_days(lake, name, set(days) - {args.ds})

    def fitted_priors() -> DataFrame:
        return priors_of(midnights, past, note.has, sum_up(lake, note, past, oldest, args.ds))

    def write(name: str) -> None:
        frame = fitted_priors() if name == PRIORS else frames[name]
        lake.write(name, frame, [args.ds] if name in asked else days)
        say(f"written: {name}")

    side_by_side(write, [*frames, PRIORS])
    lake.write("requests", requests, days)  # last: days that it holds are done
    for frame in (*in_parts, shared_pushes, asked_by_sends, requests, people, campaigns, midnights):
        frame.unpersist()


def _oldest_midnight(requests: DataFrame, ds: date) -> date:
    """Give the oldest midnight that is asked about."""
    (oldest,) = requests.agg(F.min("as_of")).first() or (None,)
    return oldest or ds + timedelta(days=1)


def _with_devices(requests: DataFrame, past: History) -> DataFrame:
    """Fill in devices where a request lacks its own, which most logs name in every send."""
    return requests if requests.where("device_id IS NULL").isEmpty() else with_last_device(requests, past)


def _audience(lake: Lake, note: LogNote, past: History, ds: date) -> DataFrame:
    deletions = lake.read("deletions", until=ds) if "deletions" in note.tables else None
    midnight = ds + timedelta(days=1)
    flags = flags_at(midnight, lake.read(BOT_FLAGS, until=ds), note.bots) if note.bots.active else None
    return audience(past, deletions, midnight, bot_flags=flags)


def _campaigns(lake: Lake, note: LogNote, past: History, ds: date, hour: int) -> DataFrame:
    as_of = ds + timedelta(days=1)
    if "plans" in note.tables:
        planned = planned_sends(lake.read("plans", until=ds), as_of, note.rules)
        if not planned.isEmpty():
            return planned
        say(f"no plan for {as_of}: taking the campaigns of the last {ACTIVE_DAYS} days at local hour {hour}")
    return active_campaigns(past, as_of, days=ACTIVE_DAYS, local_hour=hour)


def _drop_days(lake: Lake, table: str, days: set[date]) -> None:
    there = lake.days(table)
    if days & set(there):
        lake.keep(table, [day for day in there if day not in days])


def _keys(
    note: LogNote, past: History, requests: DataFrame, people: DataFrame, campaigns: DataFrame, ds: date
) -> dict[Key, DataFrame]:
    """Give what training and scoring ask for, by key, with the day that asks; of pairs, what training asks."""
    training = request_keys(requests.withColumnRenamed("ds", ASKED), past, keys_of(note.has), per=(ASKED,))
    return {
        key: asked if is_pair(key) else asked.unionByName(_scoring_keys(key, people, campaigns, past, ds))
        for key, asked in training.items()
    }


def _histories(
    note: LogNote, past: History, keys: Mapping[Key, DataFrame], requests: DataFrame, campaigns: DataFrame, ds: date
) -> dict[str, DataFrame]:
    """Give the history of each key, by the day that asked for it.

    Pairs with a campaign are read of the campaigns that are asked about: on most nights few of all there ever were.
    """
    of_asked = past.of_campaigns(requests.select("campaign_id").union(campaigns.select("campaign_id")))
    with_campaign = {key: rows for key, rows in keys.items() if "campaign_id" in key and len(key) > 1}
    others = {key: rows for key, rows in keys.items() if key not in with_campaign}
    midnight = ds + timedelta(days=1)
    pairs = {key: {"as_of": midnight, ASKED: ds} for key in keys if is_pair(key)}
    histories = read_histories(with_campaign, of_asked, note.has, pairs) | read_histories(others, past, note.has, pairs)
    histories |= {key: _to_come(histories[key], key[1], campaigns, past, midnight) for key in pairs}
    return {history_table(key): history.withColumnRenamed(ASKED, "ds") for key, history in histories.items()}


def _to_come(histories: DataFrame, name: str, campaigns: DataFrame, past: History, midnight: date) -> DataFrame:
    """Leave out of scoring what is not of the campaigns to come, or not of their categories."""
    things = campaigns.select("campaign_id").distinct().withColumn("as_of", F.lit(midnight))
    things = with_category(things, past.table("campaigns")) if name == "category" else things
    wanted = things.select(name).distinct().withColumn("_wanted", F.lit(True))
    told = histories.join(F.broadcast(wanted), name, how="left")
    return told.where((F.col("as_of") < F.lit(midnight)) | F.col("_wanted")).select(histories.columns)


def _scoring_keys(key: Key, people: DataFrame, campaigns: DataFrame, past: History, ds: date) -> DataFrame:
    """Keys that scoring may ask for: users and devices of the audience, campaigns to come and kinds of devices."""
    as_of = people.select("as_of").distinct()
    to_come = campaigns.select("campaign_id").distinct().crossJoin(F.broadcast(as_of))
    if key == CAMPAIGN:
        keys = to_come
    elif kinds := [name for name in key if name in KINDS]:
        keys = with_kinds(to_come if "campaign_id" in key else as_of, past, kinds).select(*key, "as_of")
    else:
        keys = people.where("left_out IS NULL").select(*key, "as_of").dropna().distinct()
    return keys.withColumn(ASKED, F.lit(ds))


if __name__ == "__main__":
    run_job(arg_parser, run)
