"""Who is asked about: the sends of the past for training, the audience and the campaigns to come for scoring."""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.feature import History
from features.last_devices import last_devices
from features.local_time import zone_of
from features.returns import still_gone
from features.time_rules import TimeRules, as_of_day, shifted

REQUEST_KEY = ("user_id", "device_id", "campaign_id", "send_at", "as_of")


def training_requests(sends: DataFrame, rules: TimeRules) -> DataFrame:
    """Turn sends into requests: each asks for what was known at the midnight that served it.

    Returns
    -------
    DataFrame
        ``send_id``, ``REQUEST_KEY``, ``ds`` (day the send became known). ``device_id`` is null where the log names
        none: ``features.last_devices`` fills it in.
    """
    return sends.select(
        "send_id", "user_id", "device_id", "campaign_id", F.col("sent_at").alias("send_at"),
        as_of_day(F.col("sent_at"), rules).alias("as_of"), "ds",
    )  # fmt: skip


def audience(
    history: History, deletions: DataFrame | None, as_of: date, *, bot_flags: DataFrame | None = None
) -> DataFrame:
    """Give every user known as of a midnight, with the device to send to, and why somebody is left out.

    Parameters
    ----------
    history : History
        Rows with ``ds``, the day they became known.
    deletions : DataFrame, optional
        The contract table with ``ds``.
    as_of : date
        The midnight.
    bot_flags : DataFrame, optional
        Those that count at the midnight, see ``features.bots``.

    Returns
    -------
    DataFrame
        ``user_id``, ``device_id`` (see ``features.last_devices``; null when none is known), ``as_of``, ``left_out``:
        bot, forgotten, opt_out, uninstall (see ``features.returns``), push_disabled, or null for who can be sent to.
    """
    known = F.col("ds") < F.lit(as_of)
    sources = (history.pushes_by("user_id"), history.app_events, history.users, history.devices)
    users = None
    for source in sources:
        if source is not None:
            found = source.where(known).select("user_id")
            users = found if users is None else users.union(found)
    assert users is not None
    keys = users.where("user_id IS NOT NULL").distinct().withColumn("as_of", F.lit(as_of))
    people = keys.join(last_devices(keys, history), ["user_id", "as_of"], how="left")
    reasons = _reasons(history, deletions, bot_flags, as_of)
    if reasons is not None:
        people = people.join(reasons, "user_id", how="left")
    else:
        people = people.withColumn("_reason", F.lit(None).cast("string"))
    push_off = F.when(~F.col("push_enabled"), F.lit("push_disabled"))
    return people.select("user_id", "device_id", "as_of", F.coalesce("_reason", push_off).alias("left_out"))


def _reasons(
    history: History, deletions: DataFrame | None, bot_flags: DataFrame | None, as_of: date
) -> DataFrame | None:
    """One reason a user, the first by name: ``bot``, ``forgotten``, ``opt_out``, ``uninstall``."""
    known = F.col("ds") < F.lit(as_of)
    parts = []
    if deletions is not None:
        parts.append(deletions.where(known).select("user_id", F.lit("forgotten").alias("_reason")))
    if history.opt_outs is not None:
        gone = still_gone(history.opt_outs, history.devices, as_of)
        parts.append(gone.select("user_id", F.col("kind").alias("_reason")))
    if bot_flags is not None:
        parts.append(bot_flags.where(known).select("user_id", F.lit("bot").alias("_reason")))
    if not parts:
        return None
    return reduce(DataFrame.union, parts).groupBy("user_id").agg(F.min("_reason").alias("_reason"))


def planned_sends(plans: DataFrame, as_of: date, rules: TimeRules) -> DataFrame:
    """Give the plans that the features of a midnight serve.

    Returns
    -------
    DataFrame
        ``campaign_id``, ``send_at`` (UTC; null when the plan names a local hour), ``local_hour``. Of several plans of a
        campaign for the same time there is one.
    """
    served = as_of_day(F.col("send_at"), rules) == F.lit(as_of)
    by_hour = F.col("send_at").isNull() & F.col("local_hour").isNotNull() & (F.col("ds") == F.date_sub(F.lit(as_of), 1))
    known = plans.where(F.col("ds") < F.lit(as_of)).where(served | by_hour)
    return known.select("campaign_id", "send_at", "local_hour").distinct()


def active_campaigns(history: History, as_of: date, *, days: int, local_hour: int) -> DataFrame:
    """Give the campaigns that were sent in the days before a midnight, to be sent at a local hour."""
    midnight = F.lit(as_of)
    recent = F.col("event_day").between(F.date_sub(midnight, days), F.date_sub(midnight, 1)) & (F.col("sends") > 0)
    pushes = history.recent_pushes_by("campaign_id").where(recent & (F.col("ds") < midnight))
    campaigns = pushes.select("campaign_id").distinct()
    send_at = F.lit(None).cast("timestamp").alias("send_at")
    return campaigns.select("campaign_id", send_at, F.lit(local_hour).alias("local_hour"))


def with_send_at(crossed: DataFrame, rules: TimeRules) -> DataFrame:
    """Settle the send time of users crossed with campaigns to come.

    Parameters
    ----------
    crossed : DataFrame
        ``send_at`` (null where the campaign names a local hour), ``local_hour``, ``as_of`` and, in logs with users,
        ``timezone`` (null means UTC).
    rules : TimeRules
        Their ``ready_lag_s`` says from when on ``as_of`` serves sends.

    Returns
    -------
    DataFrame
        The same rows; a local hour became the first such hour in the user's time zone that ``as_of`` serves.
    """
    zone = zone_of(crossed)
    ready = shifted(F.col("as_of").cast("timestamp"), rules.ready_lag_s)
    local_midnight = F.date_trunc("day", F.from_utc_timestamp(ready, zone))

    def at_hour(days: int) -> Column:
        local = local_midnight + F.make_interval(days=F.lit(days), hours=F.col("local_hour"))
        return F.to_utc_timestamp(local, zone)

    first = F.when(at_hour(0) >= ready, at_hour(0)).otherwise(at_hour(1))
    return crossed.withColumn("send_at", F.coalesce("send_at", first))
