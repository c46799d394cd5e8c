"""Which pushes the simulated users are sent, and when."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.simulation.campaigns import Campaigns, campaign_id
from jobs.simulation.instants import DAY_MS, HOUR_MS, local_to_utc
from jobs.simulation.parameters import Parameters
from jobs.simulation.randomness import Draws
from jobs.simulation.users import device_id, device_number

FIRST_HOUR, HOURS = 8, 14  # pushes go out between 8 and 22 h local time


def draw_sends(users: DataFrame, p: Parameters) -> DataFrame:
    """Draw the sends of all users: the columns of ``users`` and of the send, with ``sent_ms`` and ``local_ms``.

    A send is known by ``user`` and ``slot``. Its campaign runs on that day and is otherwise random, except that
    ``matched`` sends look at two campaigns and take the second when only that one is in the user's interest.
    """
    draw = Draws(p.seed)
    hold_back = draw.chance("send/hold-back", "user", "slot", share=p.hold_back_share)
    return (
        _times(users, p, draw)
        .withColumn("hold_back", hold_back)
        .transform(lambda sends: _with_campaign(sends, p, draw))
        .withColumn("device_number", device_number(F.col("sent_ms")))
        .withColumn("send_id", F.concat_ws("-", F.concat(F.lit("s"), F.col("user").cast("string")), "slot"))
        .withColumn("device_id", device_id(F.col("user"), F.col("device_number")))
        .withColumn("campaign_id", campaign_id(F.col("lane"), F.col("turn")))
    )


def _times(users: DataFrame, p: Parameters, draw: Draws) -> DataFrame:
    """Draw when a user is sent something; what falls outside the period or the user's stay is not sent."""
    key = ("user", "slot")
    spread = F.exp(p.sends_sigma * draw.normal("sends/spread", "user") - p.sends_sigma**2 / 2)
    count = F.floor(spread * (p.sends / p.users / _reach(p)) + draw.uniform("sends", "user")).cast("int")
    day = draw.whole("send/day", *key, below=p.days).cast("long")
    hour = F.lit(FIRST_HOUR) + draw.uniform("send/hour", *key) * HOURS
    return (
        users.withColumn("count", count)
        .where("count > 0")
        .withColumn("slot", F.explode(F.sequence(F.lit(1), "count")))
        .withColumn("day", day)
        .withColumn("local_ms", F.lit(p.start_ms) + F.col("day") * F.lit(DAY_MS) + F.floor(hour * HOUR_MS))
        .withColumn("sent_ms", local_to_utc(F.col("local_ms"), F.col("timezone")))
        .where(
            (F.col("sent_ms") >= F.greatest("signed_up_ms", F.lit(p.start_ms)))
            & (F.col("sent_ms") < F.col("push_until_ms"))
        )
    )


def _reach(p: Parameters) -> float:
    """Give the expected share of the period in which a user can be sent something."""
    leaving = p.opt_out_share + p.uninstall_share + p.push_off_share
    return (1 - p.new_share / 2) * (1 - leaving / 2)


def _with_campaign(sends: DataFrame, p: Parameters, draw: Draws) -> DataFrame:
    campaigns, key, day = Campaigns(p), ("user", "slot"), F.col("day")
    matched = draw.chance("send/matched", *key, share=p.matched_share) & ~F.col("hold_back")
    first = draw.whole("send/lane", *key, below=p.campaign_lanes)
    second = draw.whole("send/lane/second", *key, below=p.campaign_lanes)
    in_interest = [
        F.array_contains("interests", campaigns.category(lane, campaigns.turn(lane, day))) for lane in (first, second)
    ]
    lane = F.when(matched & ~in_interest[0] & in_interest[1], second).otherwise(first)
    return sends.withColumn("lane", lane).withColumn("turn", campaigns.turn(F.col("lane"), day))
