"""How well the best possible model would do on a simulated hold-out: the AUC of the true click probability."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.build_training_set import TRAINING_SET
from jobs.cli import say
from jobs.lake import Lake
from models.evaluation import auc

CEILING = "simulator_truth"


def write_ceiling(spark: SparkSession, lake: Lake, simulated: str, ds: date) -> None:
    """Store ``{"true_auc", "n"}`` for the hold-out rows of a day.

    Everything else of the day is settled before this is read: no model, choice or gate sees it.
    """
    holdout = lake.read(TRAINING_SET, since=ds, until=ds).where(F.col("part") == "holdout").select("send_id", "label")
    truth = spark.read.parquet(f"{simulated}/true_click_probability")
    rows = holdout.join(truth, "send_id").select("label", "p_true").toPandas()
    true_auc = auc(rows["p_true"].to_numpy(), rows["label"].to_numpy())
    lake.put_json(CEILING, ds, {"true_auc": true_auc, "n": len(rows)})
    say(f"AUC of the true click probability on {len(rows):,} hold-out sends: {true_auc:.4f}")
