"""Signs of a machine: what no person could do, by named rules; and the users known for it as of a midnight."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from features.contract import CLICK_ACTIONS
from features.partials import epoch_ms

IMPOSSIBLE = "is_impossible"
FLAG_COLUMNS = ("user_id", "device_id", "rule", "times", "happened_at", "known_at", "ds")


@dataclass(frozen=True)
class BotRules:
    """Limits that no person breaks; a rule without a limit is off. The names of the fields are the names of the rules.

    Parameters
    ----------
    min_reaction_ms : int, optional
        A click sooner than this after its send (after its delivery, where that is known) is impossible: it counts as no
        click, and its user is flagged.
    max_clicks_a_minute : int, optional
        A user with more clicks than this in one minute of the clock is flagged; dismissals do not count.
    max_users_a_device : int, optional
        The users of a device that has had more users than this, all time, are flagged.

    Raises
    ------
    ValueError
        When a limit is below 1.
    """

    min_reaction_ms: int | None = None
    max_clicks_a_minute: int | None = None
    max_users_a_device: int | None = None

    def __post_init__(self) -> None:
        for name in self.active:
            if asdict(self)[name] < 1:
                raise ValueError(f"{name}: expected at least 1, got {asdict(self)[name]}")

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the rules that have a limit."""
        return tuple(name for name, limit in asdict(self).items() if limit is not None)

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


def bot_flags(clicks: DataFrame, devices: DataFrame | None, rules: BotRules, *, within_days: int) -> DataFrame:
    """Give the users who broke a rule, on each day on which that became known.

    Parameters
    ----------
    clicks : DataFrame
        Accepted clicks with ``is_impossible``, the columns of their send, and ``ds``: those of the days to flag and of
        the ``within_days`` before.
    devices : DataFrame, optional
        The whole change log up to then, with ``ds``; none where the log has no such table.
    rules : BotRules
        At least one must be active.
    within_days : int
        How many days apart the clicks of a minute may become known and still count together.

    Returns
    -------
    DataFrame
        ``FLAG_COLUMNS``: ``device_id`` is null but for ``max_users_a_device``; ``times`` is how many clicks (or users,
        always 1) were too many; ``happened_at`` and ``known_at`` are the first one's clocks. A user of a flagged device
        is flagged when both the device and that it is theirs are known.
    """
    flags = []
    if rules.min_reaction_ms is not None:
        flags.append(_by_clicks(clicks.where(IMPOSSIBLE), "min_reaction_ms"))
    if rules.max_clicks_a_minute is not None:
        flags.append(_by_clicks(_too_dense(clicks, rules.max_clicks_a_minute, within_days), "max_clicks_a_minute"))
    if rules.max_users_a_device is not None and devices is not None:
        flags.append(_shared(devices, rules.max_users_a_device))
    return reduce(DataFrame.union, flags).where("user_id IS NOT NULL")


def with_bot_rule(rows: DataFrame, flags: DataFrame) -> DataFrame:
    """Add ``bot_rule``: the rule by which the row's user was first known for a bot, as of its midnight; null for none.

    Parameters
    ----------
    rows : DataFrame
        With ``user_id`` and ``as_of``.
    flags : DataFrame
        See ``bot_flags``; those known on a later day change nothing.
    """
    first = flags.groupBy("user_id").agg(F.min(F.struct("ds", "rule")).alias("_first"))
    rule = F.when(F.col("_first.ds") < F.col("as_of"), F.col("_first.rule"))
    return rows.join(first, "user_id", how="left").select(*rows.columns, rule.alias("bot_rule"))


def _by_clicks(clicks: DataFrame, rule: str) -> DataFrame:
    of_day = clicks.groupBy("user_id", "ds").agg(
        F.count("*").alias("times"), F.min("clicked_at").alias("happened_at"), F.min("ingested_at").alias("known_at")
    )
    return of_day.withColumns({"device_id": F.lit(None).cast("string"), "rule": F.lit(rule)}).select(*FLAG_COLUMNS)


def _too_dense(clicks: DataFrame, most: int, within_days: int) -> DataFrame:
    """Clicks that came, in the order in which they became known, after so many others of the same minute."""
    by_known = Window.partitionBy("user_id", F.date_trunc("minute", "clicked_at")).orderBy(
        "ds", "clicked_at", "ingested_at", "send_id"
    )
    numbered = clicks.where(F.col("action").isin(*CLICK_ACTIONS)).withColumn("_ds", F.lag("ds", most).over(by_known))
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
            "user_id", "device_id", F.lit("max_users_a_device").alias("rule"), F.lit(1).cast("long").alias("times"),
            "_first.happened_at", "_first.known_at", F.greatest("_first.ds", "_crowded").alias("ds"),
        )
    )  # fmt: skip
