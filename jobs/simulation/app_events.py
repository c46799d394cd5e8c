"""What the simulated users do in the app: their interests show here."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.simulation.catalogue import CATEGORIES, EVENT_NAMES, GENERAL_EVENTS, VERBS
from jobs.simulation.instants import DAY_MS, HOUR_MS, is_weekend, local_to_utc
from jobs.simulation.parameters import Parameters
from jobs.simulation.randomness import Draws
from jobs.simulation.users import device_id, device_number

OWN_KINDS = len(CATEGORIES) * len(VERBS)
BORROWED_EVERY = 3  # each third kind that an interest drives is one of another category


def app_event_rows(users: DataFrame, p: Parameters) -> DataFrame:
    """Draw the app events of all users, with ``occurred_ms``.

    A user has sessions about the personal peak hour, local time (bots: at any hour), fewer on weekdays. Each session
    opens with ``app_open``; each event after that is of a general kind, a stray one of any category, or (most often)
    one of the ``interest_kinds`` that one of the user's interests drives, stronger interests first.
    """
    draw = Draws(p.seed)
    key = ("user", "session", "step")
    occurred_ms = F.col("session_ms") + F.col("step") * F.lit(45_000) + draw.whole("event/gap", *key, below=40_000)
    duration = F.round(draw.lognormal("event/duration", *key, median=20.0, sigma=1.0), 1)
    missing = draw.chance("event/duration/missing", *key, share=p.missing_duration_share)
    names = F.array(*map(F.lit, EVENT_NAMES))
    return (
        _sessions(users, p, draw)
        .withColumn(
            "step",
            F.explode(
                F.sequence(F.lit(0), draw.whole("session/length", "user", "session", below=p.session_events_max))
            ),
        )
        .withColumn("occurred_ms", occurred_ms)
        .where("occurred_ms >= signed_up_ms AND occurred_ms < app_until_ms")
        .withColumn("event_id", F.concat_ws("-", F.concat(F.lit("e"), F.col("user").cast("string")), "session", "step"))
        .withColumn("device_id", device_id(F.col("user"), device_number(F.col("occurred_ms"))))
        .withColumn("event_name", names[_kind(p, draw)])
        .withColumn("duration_s", F.when(~missing, duration))
    )


def _sessions(users: DataFrame, p: Parameters, draw: Draws) -> DataFrame:
    """Draw the sessions within the period, with ``session_ms``."""
    key = ("user", "session")
    rate = F.exp(F.col("activity") * p.activity_sigma - p.activity_sigma**2 / 2) * (p.sessions_per_day * p.days)
    count = F.floor(rate + draw.uniform("sessions", "user")).cast("int")
    day = draw.whole("session/day", *key, below=p.days).cast("long")
    about_peak = F.pmod(F.col("peak_hour") + draw.normal("session/hour", *key) * p.peak_hour_sigma, F.lit(24.0))
    hour = F.when(F.col("bot"), draw.uniform("session/bot", *key) * 24).otherwise(about_peak)
    local_ms = F.lit(p.start_ms) + day * F.lit(DAY_MS) + F.floor(hour * HOUR_MS)
    happens = is_weekend(F.col("local_ms")) | draw.chance("session/weekday", *key, share=p.weekday_sessions)
    return (
        users.withColumn("session", F.explode(F.sequence(F.lit(1), F.greatest(count, F.lit(1)))))
        .where(F.col("session") <= count)
        .withColumn("local_ms", local_ms)
        .where(happens)
        .withColumn("session_ms", local_to_utc(F.col("local_ms"), F.col("timezone")))
        .where((F.col("session_ms") >= p.start_ms) & (F.col("session_ms") < p.end_ms))
    )


def _kind(p: Parameters, draw: Draws) -> Column:
    """Draw the kind of an event, as a position in ``EVENT_NAMES``."""
    key = ("user", "session", "step")
    sort = draw.uniform("event/sort", *key)
    general = F.lit(OWN_KINDS) + draw.whole("event/general", *key, below=len(GENERAL_EVENTS), skew=2.0)
    any_category = draw.whole("event/stray/category", *key, below=len(CATEGORIES))
    stray = any_category * len(VERBS) + draw.whole("event/stray/verb", *key, below=len(VERBS), skew=1.5)
    return (
        F.when(F.col("bot"), draw.whole("event/bot", *key, below=len(EVENT_NAMES)))
        .when(F.col("step") == 0, OWN_KINDS)
        .when(sort < p.general_events_share, general)
        .when(sort < p.general_events_share + p.stray_events_share, stray)
        .otherwise(_driven_kind(p, draw, key))
    )


def _driven_kind(p: Parameters, draw: Draws, key: tuple[str, ...]) -> Column:
    """Draw one of the kinds that one of the user's interests drives: its own verbs, and some of other categories."""
    interest = F.col("interests")[draw.whole("event/interest", *key, below=F.size("interests"), skew=1.5)]
    turn = draw.whole("event/turn", *key, below=p.interest_kinds, skew=1.5)
    own = interest * len(VERBS) + draw.whole("kind/own", interest, turn, below=len(VERBS))
    borrowed = draw.whole("kind/borrowed", interest, turn, below=OWN_KINDS)
    return F.when(turn % BORROWED_EVERY == BORROWED_EVERY - 1, borrowed).otherwise(own)
