"""How each push ended, told on the day from which nothing can change it."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.attribution import counts_in_time, is_click
from features.bots import is_possible
from features.local_time import hour_of_week, with_zone_then
from features.partials import epoch_ms, with_category_then
from features.time_rules import TimeRules, known_day, shifted

IGNORED, CLICKED, DISMISSED = 0, 1, 2


def push_outcomes(
    sends: DataFrame,
    clicks: DataFrame,
    categories: DataFrame | None,
    rules: TimeRules,
    *,
    users: DataFrame | None = None,
) -> DataFrame:
    """Give the outcome of each send.

    Parameters
    ----------
    sends, clicks : DataFrame
        Accepted rows with ``ds``; clicks have the columns of their send. Clicks count as for the label; a send that was
        clicked and dismissed was clicked.
    categories : DataFrame, optional
        ``campaign_id, ds, category``: the category as known at the end of ``ds``.
    rules : TimeRules
        When a click is too late.
    users : DataFrame, optional
        The change log with ``ds``, for time zones.

    Returns
    -------
    DataFrame
        ``user_id, campaign_id``, ``category`` (as known when the send became known), ``sent_ms`` (long), ``outcome``
        (int: 0 ignored, 1 clicked, 2 dismissed), ``reaction_ms`` (long: from send to its earliest click, null when not
        clicked), ``hour_of_week`` (int: of that click, in the time zone that the user was known to have when the send
        became known; null when not clicked) and ``ds``: the day whose end knows the send and every click that can
        still count, at most ``rules.maturity_days`` after the send's own.
    """
    reacted = (
        clicks.where(counts_in_time(rules) & is_possible())
        .groupBy("user_id", "send_id")
        .agg(F.min(F.when(is_click(), F.col("clicked_at"))).alias("_clicked_at"))
    )
    by_user = sends.repartition("user_id")  # once for clicks and zones
    joined = by_user.join(reacted.withColumn("_reacted", F.lit(True)), ["user_id", "send_id"], how="left")
    joined = with_zone_then(with_category_then(joined, categories), users)
    last_click = shifted(F.col("sent_at"), rules.attribution_window_s)
    settled = known_day(last_click, shifted(F.col("sent_at"), rules.maturity_s), rules)
    clicked, reacted_at_all = F.col("_clicked_at").isNotNull(), F.col("_reacted").isNotNull()
    return joined.select(
        "user_id",
        "campaign_id",
        "category",
        epoch_ms(F.col("sent_at")).alias("sent_ms"),
        F.when(clicked, CLICKED).when(reacted_at_all, DISMISSED).otherwise(IGNORED).alias("outcome"),
        (epoch_ms(F.col("_clicked_at")) - epoch_ms(F.col("sent_at"))).alias("reaction_ms"),
        hour_of_week(F.col("_clicked_at")).alias("hour_of_week"),
        F.greatest("ds", settled).alias("ds"),
    )
