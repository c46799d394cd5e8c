"""What real logs have beside the truth: delays, late rows, duplicates and gaps."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.simulation.instants import HOUR_MS
from jobs.simulation.parameters import Parameters
from jobs.simulation.randomness import Draws

LATE_HOURS_MIN, LATE_HOURS_MAX = 3, 72
DUPLICATE_HOURS_MAX = 6


def with_ingestion(
    frame: DataFrame, p: Parameters, *, table: str, key: str, event: str, late_share: float = 0.0
) -> DataFrame:
    """Add ``ingested_ms``: seconds to minutes after ``event``, or for late rows 3 hours to 3 days."""
    draw = Draws(p.seed)
    soon = F.least(draw.lognormal(f"{table}/delay", key, event, median=20.0, sigma=1.2), F.lit(1800.0)) * 1000
    late_hours = LATE_HOURS_MIN + draw.uniform(f"{table}/late/hours", key, event) * (LATE_HOURS_MAX - LATE_HOURS_MIN)
    late = draw.chance(f"{table}/late", key, event, share=late_share)
    return frame.withColumn("ingested_ms", F.col(event) + F.floor(F.when(late, late_hours * HOUR_MS).otherwise(soon)))


def with_duplicates(frame: DataFrame, p: Parameters, *, table: str, key: str) -> DataFrame:
    """Repeat a share of the rows as they are, known up to 6 hours later."""
    draw = Draws(p.seed)
    copies = F.when(draw.chance(f"{table}/twice", key, share=p.duplicate_share), 2).otherwise(1)
    later = F.floor((F.col("copy") - 1) * draw.uniform(f"{table}/twice/after", key) * (DUPLICATE_HOURS_MAX * HOUR_MS))
    return (
        frame.withColumn("copy", F.explode(F.sequence(F.lit(1), copies)))
        .withColumn("ingested_ms", F.col("ingested_ms") + later)
        .drop("copy")
    )


def unless_missing(column: str, p: Parameters, *, table: str, key: str, share: float) -> Column:
    """Give a column with a share of its values null."""
    missing = Draws(p.seed).chance(f"{table}/{column}/missing", key, share=share)
    return F.when(~missing, F.col(column)).alias(column)
