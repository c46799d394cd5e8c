"""Training, validation and hold-out: consecutive in time, with an embargo between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.time_rules import TimeRules, shifted

PARTS = ("train", "validation", "holdout")


@dataclass(frozen=True)
class Split:
    """Bounds of the parts, as days of ``as_of``; both ends included.

    Parameters
    ----------
    train, validation, holdout : tuple of (date, date)
        First and last ``as_of`` of each part.
    end : date
        Midnight up to which everything is known: the one that ends ``ds``.
    """

    train: tuple[date, date]
    validation: tuple[date, date]
    holdout: tuple[date, date]
    end: date

    @property
    def cut(self) -> date:
        """First ``as_of`` of the validation part; what is learned for features uses only rows known before."""
        return self.validation[0]

    def to_dict(self) -> dict[str, list[str]]:
        """Give the parts as JSON-ready days."""
        return {part: [str(day) for day in getattr(self, part)] for part in PARTS}


def split_days(ds: date, rules: TimeRules, *, train_days: int, validation_days: int, holdout_days: int) -> Split:
    """Lay out the parts backwards from the last day whose sends are all mature at the end of ``ds``.

    Between two parts as many days are left out as labels need to mature.
    """
    gap = timedelta(days=rules.maturity_days)
    day = timedelta(days=1)

    def before(end: date, days: int) -> tuple[date, date]:
        return end - timedelta(days=days - 1), end

    holdout = before(ds - gap, holdout_days)
    validation = before(holdout[0] - day - gap, validation_days)
    train = before(validation[0] - day - gap, train_days)
    return Split(train=train, validation=validation, holdout=holdout, end=ds + day)


def with_part(rows: DataFrame, split: Split, rules: TimeRules) -> DataFrame:
    """Add ``part``; leave out rows of no part, and rows that are not mature or not known at the next one's start.

    Parameters
    ----------
    rows : DataFrame
        With ``as_of`` (date), ``send_at`` and ``ds``, the day the send became known.
    """
    next_as_of = {"train": split.validation[0], "validation": split.holdout[0], "holdout": split.end}
    mature_at = shifted(F.col("send_at"), rules.maturity_s)
    part: Column = F.lit(None).cast("string")
    for name in PARTS:
        first, last = getattr(split, name)
        inside = F.col("as_of").between(F.lit(first), F.lit(last))
        begins = F.lit(next_as_of[name])
        mature = mature_at < shifted(begins.cast("timestamp"), rules.ready_lag_s)
        part = F.when(inside & mature & (F.col("ds") < begins), F.lit(name)).otherwise(part)
    return rows.withColumn("part", part).where(F.col("part").isNotNull())
