"""The way to train on a Spark cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.build_training_set import TRAINING_SET
from jobs.errors import BadInput
from jobs.forest_training import TreesOnExecutors
from jobs.spark_training import Keys, OnCluster
from jobs.training_parts import read_part
from jobs.training_route import KEYS, TRAIN, VALIDATION, Asked, Route
from models.batch import ArrayBatch, LabelledRows, to_batch, to_column, to_labelled_rows
from models.candidates import CandidateSpec, InMemory, Trainer
from models.feature_health import profiles
from models.out_of_core import FAMILIES
from models.probe import PROBE_ROWS
from models.random_forest import RandomForestSettings
from models.schema import FeatureSchema

COLUMNS_AT_ONCE = 16


@contextmanager
def on_cluster(asked: Asked) -> Iterator[Route]:
    """Fit LightGBM by ranks; for other families rows come to the driver, and a forest's trees grow on the executors."""
    args, schema = asked.args, asked.schema
    n_ranks = ranks_of(asked.spark, args.ranks)
    rows = asked.lake.read(TRAINING_SET, since=args.ds, until=args.ds).where(F.col("part").isin(TRAIN, VALIDATION))
    validation = rows.where(F.col("part") == VALIDATION)
    keys = Keys(validation.select(*KEYS).toArrow().sort_by("send_id"))
    by_ranks = OnCluster(
        rows, keys, _click_rate(rows), schema, asked.n_latents, args.seed, n_ranks, _cores(asked.spark)
    )

    @cache
    def in_memory() -> dict[str, LabelledRows]:
        return {part: to_labelled_rows(read_part(asked.lake, args.ds, part), schema) for part in (TRAIN, VALIDATION)}

    def trainer(spec: CandidateSpec) -> Trainer:
        if isinstance(spec.settings, FAMILIES):
            return by_ranks
        parts = in_memory()
        held = parts[TRAIN], parts[VALIDATION], schema, asked.n_latents, args.seed
        if isinstance(spec.settings, RandomForestSettings):
            return TreesOnExecutors(*held, n_ranks)
        return InMemory(*held, args.threads)

    yield Route(trainer, keys.table, _to_probe(validation, schema), profiles([CollectedColumns(rows, schema)], schema))


def ranks_of(spark: SparkSession, asked: int | None) -> int:
    """Give the number of ranks: what was asked for, or all tasks that run at the same time.

    Raises
    ------
    BadInput
        When fewer than two tasks run at the same time, or fewer than were asked for: Spark would wait for more.
    """
    slots = spark.sparkContext.defaultParallelism // _cores(spark)
    if slots < 2 or (asked or 2) > slots:
        raise BadInput(f"--training spark: expected {max(asked or 2, 2)} tasks at the same time, Spark runs {slots}")
    return asked or slots


def _cores(spark: SparkSession) -> int:
    return int(spark.sparkContext.getConf().get("spark.task.cpus", "1") or 1)


def _click_rate(rows: DataFrame) -> float:
    ((rate,),) = rows.where(F.col("part") == TRAIN).agg(F.avg("label")).collect()
    return float(rate)


def _to_probe(validation: DataFrame, schema: FeatureSchema) -> ArrayBatch:
    """Give as many rows as are drawn; which ones hangs on a hash of the send alone."""
    some = validation.orderBy(F.xxhash64("send_id"), "send_id").limit(PROBE_ROWS)
    return to_batch(some.toArrow().sort_by("send_id"), schema)


class CollectedColumns(Mapping[str, NDArray[Any]]):
    """Columns of a frame as arrays, a few at a time on the driver; the order of rows is anybody's."""

    def __init__(self, rows: DataFrame, schema: FeatureSchema) -> None:
        self._rows, self._schema = rows, schema
        self._names = [one.name for one in schema.features]
        self._held: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._held:
            self._held = {}  # before the next are read
            first = self._names.index(name)
            some = self._names[first : first + COLUMNS_AT_ONCE]
            table = self._rows.select(*some).toArrow()
            self._held = {one: to_column(table[one], one, self._schema) for one in some}
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
