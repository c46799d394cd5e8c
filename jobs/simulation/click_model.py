"""How likely a simulated push is clicked: the documented truth behind the clicks.

``P(click) = 1 / (1 + exp(-(logit + fatigue_effect * min(ignored, fatigue_cap))))``, where

- ``logit`` is the sum of the effects of the user (propensity, tenure), of the campaign (category, quality, image), of
  both (the category is one of the user's interests), of the device (platform, age) and of the time (rhythm, weekend);
- ``ignored`` counts the user's pushes since the last click.

Bots have a logit of their own and no fatigue.
"""

from __future__ import annotations

import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.simulation.campaigns import Campaigns
from jobs.simulation.instants import DAY_MS, HOUR_MS, is_weekend
from jobs.simulation.parameters import Parameters


def with_logit(sends: DataFrame, p: Parameters) -> DataFrame:
    """Add ``logit``: of a click where no push was ignored before."""
    logit = _user_effect(p) + _campaign_effect(p) + _device_effect(p) + _time_effect(p)
    return sends.withColumn("logit", F.when(F.col("bot"), p.bot_click_logit).otherwise(F.lit(p.intercept) + logit))


def with_fatigue(sends: DataFrame, p: Parameters) -> DataFrame:
    """Add ``ignored``, ``p_click`` and ``clicked``, following each user's sends in their order of time.

    Reads ``user``, ``sent_ms``, ``slot`` (breaks ties), ``ignored_before`` (what ``ignored`` begins with), ``bot``,
    ``logit`` and ``luck`` (a uniform draw: the push is clicked when it is below the probability).
    """
    rows = F.array_sort(F.collect_list(F.struct("sent_ms", "slot", F.struct(*sends.columns).alias("send"))))
    histories = sends.groupBy("user").agg(rows.alias("rows"), F.first("ignored_before").alias("ignored_before"))
    return (
        histories.select(F.inline(F.arrays_zip("rows", _ignored_before(p).alias("ignored"))))
        .select("rows.send.*", "ignored")
        .withColumn("p_click", _probability(p, F.col("logit"), F.col("ignored"), F.col("bot")))
        .withColumn("clicked", F.col("luck") < F.col("p_click"))
    )


def within_24_hours(p: Parameters) -> Column:
    """Give the probability that a click that comes at all comes within 24 hours of the send."""
    late = math.log(24 * 60 / p.reaction_minutes_median) / p.reaction_sigma
    human = 0.5 * (1 + math.erf(late / math.sqrt(2)))
    return F.when(F.col("bot"), 1.0).otherwise(human)


def _user_effect(p: Parameters) -> Column:
    months = (F.col("sent_ms") - F.col("signed_up_ms")) / (30 * DAY_MS)
    return F.col("propensity") + F.lit(p.tenure_effect) * F.log1p(months)


def _campaign_effect(p: Parameters) -> Column:
    campaigns, lane, turn = Campaigns(p), F.col("lane"), F.col("turn")
    matches = F.array_contains("interests", campaigns.category(lane, turn))
    return campaigns.appeal(lane, turn) + F.when(matches, F.lit(p.interest_effect)).otherwise(0.0)


def _device_effect(p: Parameters) -> Column:
    platform = F.when(F.col("platform") == "ios", F.lit(p.ios_effect)).otherwise(0.0)
    return platform + F.lit(p.device_age_effect) * F.col("device_age")


def _time_effect(p: Parameters) -> Column:
    hour = F.col("local_ms") / HOUR_MS
    rhythm = F.lit(p.rhythm_effect) * F.cos((hour - F.col("peak_hour")) * F.lit(2 * math.pi / 24))
    return rhythm + F.when(is_weekend(F.col("local_ms")), F.lit(p.weekend_effect)).otherwise(0.0)


def _ignored_before(p: Parameters) -> Column:
    """Count, for each of a user's sends in ``rows``, the pushes ignored in a row before it."""
    state = F.struct(F.col("ignored_before").alias("now"), F.array().cast("array<int>").alias("seen"))

    def follow(state: Column, row: Column) -> Column:
        send, now = row["send"], state["now"]
        clicked = send["luck"] < _probability(p, send["logit"], now, send["bot"])
        after = F.when(clicked, F.lit(0)).otherwise(now + 1)
        return F.struct(after.alias("now"), F.concat(state["seen"], F.array(now)).alias("seen"))

    return F.aggregate("rows", state, follow, lambda state: state["seen"])


def _probability(p: Parameters, logit: Column, ignored: Column, bot: Column) -> Column:
    fatigue = F.lit(p.fatigue_effect) * F.least(ignored, F.lit(p.fatigue_cap))
    return 1 / (1 + F.exp(-(logit + F.when(bot, 0.0).otherwise(fatigue))))
