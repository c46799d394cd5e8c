"""One fit of the cluster benchmark in a fresh process; prints its figures as JSON.

``python -m tests.benchmarks.models.one_fit ROUTE FAMILY FOLDER THREADS``; ROUTE is memory, out-of-core or spark.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from jobs.stored_parts import StoredPart
from models.batch import LabelledRows, to_labelled_rows
from models.boosted_trees import BoostedTreesSettings
from models.candidates import CandidateSpec, InMemory, Trainer, fit_by
from models.evaluation import auc, log_loss
from models.family import Settings
from models.histogram_forest import HistogramForestSettings
from models.out_of_core import OutOfCore
from models.random_forest import RandomForestSettings
from tests.benchmarks.models.wide_rows import SCHEMA

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MAX_TREES = 200
EXECUTORS = 2
CLUSTER = f"local-cluster[{EXECUTORS},1,1024]"
SETTINGS: dict[str, Settings] = {
    "lightgbm": BoostedTreesSettings(max_trees=MAX_TREES),
    "histogram_forest": HistogramForestSettings(),
    "random_forest": RandomForestSettings(),
}


def main(route: str, family: str, folder: str, threads: str) -> dict[str, object]:
    """Fit as `train_click_models` does: with validation, calibrated, then on both parts."""
    spec = CandidateSpec(family, SETTINGS[family], codes=False)
    rows = Path(folder)
    trainer, told = _trainer(route, family, rows, int(threads))
    started = perf_counter()
    fitted = fit_by(trainer, spec, seed=0)
    seconds = perf_counter() - started
    peak = told.get("peak_rss_bytes", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    holdout = StoredPart([rows / "part=holdout" / "rows.parquet"], SCHEMA)
    p = np.concatenate([fitted.model.predict(holdout.block(number)) for number in range(len(holdout.sizes))])
    return {
        "seconds": seconds,
        "peak_rss_bytes": peak,
        "auc": auc(p, holdout.label),
        "log_loss": log_loss(p, holdout.label),
    }


def _trainer(route: str, family: str, rows: Path, threads: int) -> tuple[Trainer, dict[str, int]]:
    if route == "spark":
        spark = _cluster()
        return (_trees_on_executors(rows), {}) if family == "random_forest" else _by_ranks(spark, rows)
    train, validation = (
        StoredPart([rows / f"part={part}" / "rows.parquet"], SCHEMA) for part in ("train", "validation")
    )
    if route == "out-of-core":
        return OutOfCore(train, validation, SCHEMA, 0, 0, threads), {}
    return InMemory(_read(rows, "train"), _read(rows, "validation"), SCHEMA, 0, 0, threads), {}


def _read(rows: Path, part: str) -> LabelledRows:
    return to_labelled_rows(pq.read_table(rows / f"part={part}" / "rows.parquet", partitioning=None), SCHEMA)


def _cluster() -> SparkSession:
    from jobs.session import make_session

    # Workers find the rooms as this process does, wherever the environment has them.
    paths = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    settings = [f"spark.master={CLUSTER}", "spark.driver.memory=1g", f"spark.executorEnv.PYTHONPATH={paths}"]
    spark = make_session("bench-cluster", settings)
    atexit.register(spark.stop)
    spark.sparkContext.setLogLevel("OFF")  # the table is what counts; errors come as exceptions
    return spark


def _trees_on_executors(rows: Path) -> Trainer:
    from jobs.forest_training import TreesOnExecutors

    return TreesOnExecutors(_read(rows, "train"), _read(rows, "validation"), SCHEMA, 0, 0, EXECUTORS)


def _by_ranks(spark: SparkSession, rows: Path) -> tuple[Trainer, dict[str, int]]:
    from pyspark.sql import functions as F

    from jobs import spark_training

    told = {"peak_rss_bytes": 0}

    def remembered(*args: object) -> spark_training.Together:
        made = spark_training_fit(*args)
        told["peak_rss_bytes"] = max(told["peak_rss_bytes"], made.peak_rss_bytes)
        return made

    spark_training_fit, spark_training.fit_together = spark_training.fit_together, remembered
    both = spark.read.parquet(str(rows)).where(F.col("part") != "holdout")
    keys = both.where("part = 'validation'").select("send_id", "user_id", "label").toArrow().sort_by("send_id")
    ((rate,),) = both.where("part = 'train'").agg(F.avg("label")).collect()
    return spark_training.OnCluster(both, spark_training.Keys(keys), rate, SCHEMA, 0, 0, EXECUTORS, 1), told


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
