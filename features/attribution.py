"""From clicks to their sends, and from sends to labels."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from features.bots import is_possible
from features.contract import CLICK_ACTIONS
from features.time_rules import TimeRules, shifted

SEND_COLUMNS = ("user_id", "device_id", "campaign_id", "sent_at", "delivered_at")
"""What a click takes over from its send."""


def with_send(clicks: DataFrame, sends: DataFrame, *, wait_days: int, within_days: int) -> DataFrame:
    """Give each click its send's columns; a click can be known before its send, and waits for it.

    Parameters
    ----------
    clicks : DataFrame
        Contract columns and ``ds``, the day the click became known; duplicates were dropped.
    sends : DataFrame
        Contract columns and ``ds``. Of several with the same id, which came too far apart to be duplicates, it is the
        first one in time.
    wait_days : int
        How many days a click waits for its send.
    within_days : int
        How many days back a send is looked for.

    Returns
    -------
    DataFrame
        ``clicks`` with ``SEND_COLUMNS`` and ``send_ds``, the day the send became known (null where no send was found in
        time),
        ``reason`` (``unknown_send``: waited in vain, dated on the day its time was up; ``click_before_send``; else
        null) and ``ds`` moved to the day on which click and send are both known.
    """
    of_send = sends.select(F.col("send_id").alias("_send_id"), *SEND_COLUMNS, F.col("ds").alias("_send_ds"))
    last_day = F.date_add("ds", wait_days)
    found = F.coalesce(F.col("_send_ds").between(F.date_sub("ds", within_days), last_day), F.lit(False))
    joined = clicks.join(of_send, F.col("send_id") == F.col("_send_id"), how="left")
    of_click = Window.partitionBy("send_id", "clicked_at", "ds").orderBy(found.desc(), "_send_ds")
    joined = joined.withColumn("_place", F.row_number().over(of_click)).where("_place = 1")
    reason = F.when(~found, F.lit("unknown_send")).when(
        F.col("clicked_at") < F.col("sent_at"), F.lit("click_before_send")
    )
    names = [name for name in clicks.columns if name != "ds"]
    return joined.select(
        *names,
        *(F.when(found, F.col(name)).alias(name) for name in SEND_COLUMNS),
        F.when(found, F.col("_send_ds")).alias("send_ds"),
        reason.alias("reason"),
        F.when(found, F.greatest("ds", "_send_ds")).otherwise(last_day).alias("ds"),
    )


def with_first_click(clicks: DataFrame, clicked_before: DataFrame | None = None) -> DataFrame:
    """Add ``is_first_click``: the click by which a send counts as clicked, one a send.

    It is never a dismissal nor an impossible click.

    Parameters
    ----------
    clicks : DataFrame
        Accepted clicks with ``ds`` and ``is_impossible`` (see ``features.bots``).
    clicked_before : DataFrame, optional
        ``send_id`` of sends that were clicked on earlier days, unique.
    """
    counts = is_click()
    order = Window.partitionBy("send_id", counts).orderBy("ds", "clicked_at", "ingested_at", "action")
    first = counts & (F.row_number().over(order) == 1)
    if clicked_before is None:
        return clicks.withColumn("is_first_click", first)
    before = clicked_before.select("send_id", F.lit(True).alias("_before"))
    marked = clicks.join(before, "send_id", how="left").withColumn("is_first_click", first & F.col("_before").isNull())
    return marked.select(*clicks.columns, "is_first_click")


def is_click() -> Column:
    """Whether a reaction is a click that a person can have made; a dismissal is none."""
    return F.col("action").isin(*CLICK_ACTIONS) & is_possible()


def counts_in_time(rules: TimeRules) -> Column:
    """Whether a click came within the attribution window and was known within the lateness allowance, both included."""
    in_window = F.col("clicked_at") <= shifted(F.col("sent_at"), rules.attribution_window_s)
    return in_window & (F.col("ingested_at") <= shifted(F.col("sent_at"), rules.maturity_s))


def with_label(sends: DataFrame, clicks: DataFrame, rules: TimeRules) -> DataFrame:
    """Add ``label``: 1 when a click came within the attribution window and was known within the lateness allowance.

    Parameters
    ----------
    sends : DataFrame
        With ``send_id``; all rows are kept.
    clicks : DataFrame
        Accepted clicks; both bounds are included, a dismissal or an impossible click never counts.
    """
    clicked = clicks.where(is_click() & counts_in_time(rules)).select("send_id", F.lit(1).alias("label")).distinct()
    return sends.join(clicked, "send_id", how="left").withColumn("label", F.coalesce("label", F.lit(0)))
