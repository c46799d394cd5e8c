"""What the simulated users do with a push: click it, some time later, or dismiss it."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.simulation.click_model import with_fatigue, with_logit, within_24_hours
from jobs.simulation.devices import with_device_traits
from jobs.simulation.parameters import Parameters
from jobs.simulation.randomness import Draws

SEND_COLUMNS = ("send_id", "user_id", "device_id", "campaign_id", "hold_back", "sent_ms")
CLICK_COLUMNS = ("user", "slot", "app_until_ms", "ignored_before", "bot", "logit", "luck")


def send_outcomes(sends: DataFrame, p: Parameters) -> DataFrame:
    """Give what becomes of each send.

    Beside its own columns: ``p_true`` (of a click within 24 hours), ``action`` (open, button, dismiss; null: nothing
    happens, or not before the period ends or the app is removed), ``acted_ms``, ``delivered_ms`` (null: no receipt).
    """
    draw = Draws(p.seed)
    unlikely = draw.chance("send/undelivered", "user", "slot", share=p.undelivered_share)
    return (
        with_device_traits(sends, p)
        .transform(lambda sends: with_logit(sends, p))
        .withColumn("luck", draw.uniform("click", "user", "slot"))
        .select(*SEND_COLUMNS, *CLICK_COLUMNS)
        .transform(lambda sends: with_fatigue(sends, p))
        .withColumn("p_true", F.col("p_click") * within_24_hours(p))
        .withColumn("reaction_ms", _reaction_ms(p, draw))
        .withColumn("acted_ms", F.col("sent_ms") + F.col("reaction_ms"))
        .withColumn("action", F.when(F.col("acted_ms") < F.col("app_until_ms"), _action(p, draw)))
        .withColumn("delivered_ms", F.when(~unlikely, F.col("sent_ms") + _delivery_ms(draw)))
        .select(*SEND_COLUMNS, "delivered_ms", "p_true", "action", "acted_ms")
    )


def _action(p: Parameters, draw: Draws) -> Column:
    button = draw.chance("click/button", "user", "slot", share=p.button_share)
    dismissed = draw.chance("dismiss", "user", "slot", share=p.dismiss_share)
    return F.when(F.col("clicked"), F.when(button, "button").otherwise("open")).when(
        dismissed & ~F.col("bot"), "dismiss"
    )


def _reaction_ms(p: Parameters, draw: Draws) -> Column:
    """Draw the time to a click or dismissal: log-normal minutes, at least 2 s; 50 to 200 ms for bots."""
    minutes = draw.lognormal("click/reaction", "user", "slot", median=p.reaction_minutes_median, sigma=p.reaction_sigma)
    human = F.greatest(F.floor(minutes * 60_000), F.lit(2_000).cast("long"))
    return F.when(F.col("bot"), (50 + draw.whole("click/bot", "user", "slot", below=150)).cast("long")).otherwise(human)


def _delivery_ms(draw: Draws) -> Column:
    """Draw seconds to delivery, which comes before any reaction."""
    seconds = draw.lognormal("send/delivery", "user", "slot", median=2.0, sigma=1.2)
    return F.least(F.floor(seconds * 1000), F.floor(F.col("reaction_ms") / 2))
