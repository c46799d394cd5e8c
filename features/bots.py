"""Signs of a machine: what no person could do, by named rules; and the users known for it as of a midnight."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from features.contract import CLICK_ACTIONS
from features.partials import epoch_ms

IMPOSSIBLE = "is_impossible"
MINUTE_MS = 60_000
SHARED_DEVICE = "max_users_a_device"
RULES = ("min_reaction_ms", "max_clicks_a_minute", SHARED_DEVICE, "max_sends_a_day")
FLAG_COLUMNS = ("user_id", "device_id", "rule", "times", "happened_at", "known_at", "ds")


@dataclass(frozen=True)
class BotRules:
    """Limits that no person breaks; a rule without a limit is off. Fields that are ``RULES`` have their names.

    Parameters
    ----------
    min_reaction_ms : int, optional
        A click sooner than this after its send (after its delivery, where that is known) is impossible: it counts as no
        click. A person's clock or phone may do that once: its user is flagged by ``min_fast_clicks`` of them.
    max_clicks_a_minute : int, optional
        A user with more clicks than this in any 60 seconds (two that are 60 seconds apart are not in the same) is
        flagged; dismissals do not count.
    max_users_a_device : int, optional
        The users of a device that has had more users than this, all time, are flagged.
    max_sends_a_day : int, optional
        A user who was sent more pushes than this on one day (UTC) is flagged: a person has no such account.
    min_fast_clicks, fast_click_days : int
        Not rules but numbers of the first one: a user with so many impossible clicks that became known on so many days
        in a row, the day of the last one included, is flagged from that day on.
    flag_days : int, optional
        For how many midnights after the day on which it became known a flag counts; for all by default. The users of a
        device that has had too many are flagged for all in any case.

    Raises
    ------
    ValueError
        When a limit or a number is below 1.
    """

    min_reaction_ms: int | None = None
    max_clicks_a_minute: int | None = None
    max_users_a_device: int | None = None
    max_sends_a_day: int | None = None
    min_fast_clicks: int = 3
    fast_click_days: int = 7
    flag_days: int | None = None

    def __post_init__(self) -> None:
        for name, number in asdict(self).items():
            if number is not None and number < 1:
                raise ValueError(f"{name}: expected at least 1, got {number}")

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the rules that have a limit."""
        return tuple(name for name in RULES if getattr(self, name) is not None)

    def days_to_read(self, within_days: int) -> int:
        """Give how many days before a day its flags depend on; see ``bot_flags``."""
        return max(within_days, self.fast_click_days - 1 if self.min_reaction_ms is not None else 0)

    def to_dict(self) -> dict[str, int | None]:
        """Give the rules as JSON-ready numbers."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BotRules:
        """Read what ``to_dict`` gave."""
        return cls(**values)


def with_impossible(clicks: DataFrame, rules: BotRules) -> DataFrame:
    """Add ``is_impossible``: a click, not a dismissal, that came sooner than a person can react.

    Parameters
    ----------
    clicks : DataFrame
        With ``action, clicked_at`` and the ``sent_at, delivered_at`` of their sends. A delivery that is reported before
        its send or after its click tells nothing.
    rules : BotRules
        Their ``min_reaction_ms``; a reaction of exactly that long is possible.
    """
    if rules.min_reaction_ms is None:
        return clicks.withColumn(IMPOSSIBLE, F.lit(False))
    delivered = F.when(F.col("delivered_at").between(F.col("sent_at"), F.col("clicked_at")), F.col("delivered_at"))
    reaction_ms = epoch_ms(F.col("clicked_at")) - epoch_ms(F.coalesce(delivered, "sent_at"))
    soon = F.coalesce(reaction_ms < rules.min_reaction_ms, F.lit(False))
    return clicks.withColumn(IMPOSSIBLE, F.col("action").isin(*CLICK_ACTIONS) & soon)


def is_possible() -> Column:
    """Whether a person can have made the click; see ``with_impossible``."""
    return ~F.coalesce(F.col(IMPOSSIBLE), F.lit(False))


def bot_flags(
    clicks: DataFrame,
    devices: DataFrame | None,
    rules: BotRules,
    *,
    within_days: int,
    sends: DataFrame | None = None,
) -> DataFrame:
    """Give the users who broke a rule, on each day on which that became known.

    Parameters
    ----------
    clicks : DataFrame
        Accepted clicks with ``is_impossible``, the columns of their send, and ``ds``: those of the days to flag and of
        the ``rules.days_to_read(within_days)`` days before.
    devices : DataFrame, optional
        The whole change log up to then, with ``ds``; none where the log has no such table.
    rules : BotRules
        At least one must be active.
    within_days : int
        How many days apart the clicks of a minute, or the sends of a day, may become known and still count together.
    sends : DataFrame, optional
        Accepted sends with ``ds``, of the same days as the clicks; ``max_sends_a_day`` needs them.

    Returns
    -------
    DataFrame
        ``FLAG_COLUMNS``: ``device_id`` is null but for ``max_users_a_device``; ``times`` is how many clicks (or sends;
        users, always 1) were too many; ``happened_at`` and ``known_at`` are the first one's clocks. A user of a flagged
        device is flagged when both the device and that it is theirs are known.
    """
    flags = []
    if rules.min_reaction_ms is not None:
        fast = _too_often(clicks.where(IMPOSSIBLE), rules.min_fast_clicks, rules.fast_click_days)
        flags.append(_by_events(fast, "min_reaction_ms", "clicked_at"))
    if rules.max_clicks_a_minute is not None:
        dense = _too_dense(clicks, rules.max_clicks_a_minute, within_days)
        flags.append(_by_events(dense, "max_clicks_a_minute", "clicked_at"))
    if rules.max_users_a_device is not None and devices is not None:
        flags.append(_shared(devices, rules.max_users_a_device))
    if rules.max_sends_a_day is not None and sends is not None:
        flags.append(_by_events(_too_many(sends, rules.max_sends_a_day, within_days), "max_sends_a_day", "sent_at"))
    return reduce(DataFrame.union, flags).where("user_id IS NOT NULL")


def flags_at(midnight: date, flags: DataFrame, rules: BotRules) -> DataFrame:
    """Give the flags that count at a midnight."""
    return flags.where(_counts(F.col("ds"), F.col("rule"), F.lit(midnight), rules))


def with_bot_rule(rows: DataFrame, flags: DataFrame, rules: BotRules) -> DataFrame:
    """Add ``bot_rule``: that of the first flag of the row's user that counts at its midnight; null for none.

    Parameters
    ----------
    rows : DataFrame
        With ``user_id`` and ``as_of``.
    flags : DataFrame
        See ``bot_flags``; those known on a later day change nothing.
    rules : BotRules
        Their ``flag_days``.
    """
    of_user = flags.groupBy("user_id").agg(F.array_sort(F.collect_set(F.struct("ds", "rule"))).alias("_flags"))
    count = F.filter("_flags", lambda flag: _counts(flag["ds"], flag["rule"], F.col("as_of"), rules))
    rule = F.get(count, F.lit(0))["rule"]
    return rows.join(of_user, "user_id", how="left").select(*rows.columns, rule.alias("bot_rule"))


def _counts(ds: Column, rule: Column, midnight: Column, rules: BotRules) -> Column:
    known = ds < midnight
    if rules.flag_days is None:
        return known
    return known & ((ds >= F.date_sub(midnight, rules.flag_days)) | (rule == SHARED_DEVICE))


def _by_events(events: DataFrame, rule: str, happened: str) -> DataFrame:
    of_day = events.groupBy("user_id", "ds").agg(
        F.count("*").alias("times"), F.min(happened).alias("happened_at"), F.min("ingested_at").alias("known_at")
    )
    return of_day.withColumns({"device_id": F.lit(None).cast("string"), "rule": F.lit(rule)}).select(*FLAG_COLUMNS)


def _too_often(fast: DataFrame, least: int, days: int) -> DataFrame:
    """Give the clicks by which so many of a user became known on so many days in a row."""
    by_known = Window.partitionBy("user_id").orderBy("ds", "clicked_at", "ingested_at", "send_id")
    first = fast.withColumn("_ds", F.lag("ds", least - 1).over(by_known))
    return first.where(F.datediff("ds", "_ds") < days)


def _too_dense(clicks: DataFrame, most: int, within_days: int) -> DataFrame:
    """Give clicks that came after so many others within a minute, on the ``ds`` on which the last of all was known.

    Each day on which clicks of a user became known looks at those and at the ones of the days before that count.
    """
    real = clicks.where(F.col("action").isin(*CLICK_ACTIONS))
    days = real.select("user_id", F.col("ds").alias("_day")).distinct()
    seen = real.join(days, "user_id").where(F.col("_day").between(F.col("ds"), F.date_add("ds", within_days)))
    by_time = Window.partitionBy("user_id", "_day").orderBy("clicked_at", "ds", "ingested_at", "send_id")
    others = by_time.rowsBetween(-most, Window.currentRow)
    first_ms = F.lag(epoch_ms(F.col("clicked_at")), most).over(by_time)
    spans = seen.withColumns({"_first_ms": first_ms, "_last_ds": F.max("ds").over(others)})
    dense = (epoch_ms(F.col("clicked_at")) - F.col("_first_ms") < MINUTE_MS) & (F.col("_last_ds") == F.col("_day"))
    return spans.where(dense).withColumn("ds", F.col("_day"))


def _too_many(sends: DataFrame, most: int, within_days: int) -> DataFrame:
    """Give the sends that became known after so many others of the same user and day."""
    by_known = Window.partitionBy("user_id", F.to_date("sent_at")).orderBy("ds", "sent_at", "ingested_at", "send_id")
    numbered = sends.withColumn("_ds", F.lag("ds", most).over(by_known))
    return numbered.where(F.datediff("ds", "_ds") <= within_days)


def _shared(devices: DataFrame, most: int) -> DataFrame:
    """Users of devices that had more users than that, each from the day on which they and the device were known."""
    change = F.struct("ds", F.col("updated_at").alias("happened_at"), F.col("ingested_at").alias("known_at"))
    users = devices.groupBy("device_id", "user_id").agg(F.min(change).alias("_first"))
    of_device = Window.partitionBy("device_id")
    numbered = users.withColumn("_number", F.row_number().over(of_device.orderBy("_first.ds", "user_id")))
    crowded = F.min(F.when(F.col("_number") > most, F.col("_first.ds"))).over(of_device)
    return (
        numbered.withColumn("_crowded", crowded)
        .where(F.col("_crowded").isNotNull())
        .select(
            "user_id", "device_id", F.lit(SHARED_DEVICE).alias("rule"), F.lit(1).cast("long").alias("times"),
            "_first.happened_at", "_first.known_at", F.greatest("_first.ds", "_crowded").alias("ds"),
        )
    )  # fmt: skip
