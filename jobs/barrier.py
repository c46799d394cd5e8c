"""A barrier stage of Spark whose tasks are the ranks of one LightGBM fit."""

from __future__ import annotations

import hashlib
import json
import re
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
from pyspark import BarrierTaskContext
from pyspark.sql import DataFrame

from jobs.errors import Failed
from models.ranks import Ranks

TOLD = pa.schema(
    [("rank", pa.int64()), ("seconds", pa.float64()), ("peak_rss_bytes", pa.int64()), ("sha256", pa.string()),
     ("text", pa.string()), ("complaint", pa.string())]
)  # fmt: skip
COMPLAINT = re.compile(r"rank \d+ of \d+: [^\n]*")

Fit: TypeAlias = Callable[[Ranks], str]
Prepare: TypeAlias = Callable[[Iterator[pa.RecordBatch]], Fit]


@dataclass(frozen=True)
class Together:
    """What ranks made together."""

    text: str
    """The model, the same of each rank."""
    seconds: float
    """Of the slowest rank, its own rows' way through Spark included."""
    peak_rss_bytes: int
    """Of the largest rank."""


def fit_together(rows: DataFrame, n_ranks: int, key: str, prepare: Prepare) -> Together:
    """Fit one model on rows that stay where Spark puts them; the driver sees the model only.

    A port that a rank has found free may be taken when LightGBM listens on it. Then the rank fails, Spark ends the
    others with it and begins the stage anew, with other ports, up to ``spark.stage.maxConsecutiveAttempts`` times.

    Parameters
    ----------
    rows : DataFrame
        Rows to share out.
    n_ranks : int
        Tasks that run at the same time, at least two.
    key : str
        A column that decides by its hash which rank a row goes to, and its order there: neither depends on how the rows
        were partitioned.
    prepare : callable
        Turns a rank's rows into a function that fits on them with the others and gives the model's text.

    Raises
    ------
    Failed
        When a rank fails for good, or when two ranks do not come to the same model.
    """
    shared = rows.repartition(n_ranks, key).sortWithinPartitions(key)
    try:
        told = shared.mapInArrow(_rank(prepare), _sql(TOLD), barrier=True).toArrow().sort_by("rank").to_pylist()
    except Exception as error:
        raise Failed(f"fitting by {n_ranks} ranks: {_in_one_line(error)}") from error
    complaints = [one["complaint"] for one in told if one["complaint"]]
    if complaints:
        raise Failed(f"fitting by {n_ranks} ranks: {complaints[0]}")
    if len({one["sha256"] for one in told}) > 1:
        raise Failed(f"fitting by {n_ranks} ranks: expected one model of all ranks, got different ones")
    return Together(told[0]["text"], max(one["seconds"] for one in told), max(one["peak_rss_bytes"] for one in told))


def _rank(prepare: Prepare) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        begun, context = time.monotonic(), BarrierTaskContext.get()
        rank, n_ranks = context.partitionId(), len(context.getTaskInfos())
        fit, complaint = _prepared(prepare, batches, rank, n_ranks)
        with closing(socket.socket()) as free:
            free.bind(("", 0))
            address = f"{_own_ip(context)}:{free.getsockname()[1]}"
            told = [json.loads(text) for text in context.allGather(json.dumps([address, complaint]))]
        complaints = [theirs for _, theirs in told if theirs]
        text = ""
        if fit and not complaints:
            ranks = Ranks(rank, tuple(address for address, _ in told), context.allGather)
            try:
                text = fit(ranks)
            except Exception as error:
                raise RuntimeError(_complaint(rank, n_ranks, error)) from error
        yield pa.RecordBatch.from_pylist(
            [{
                "rank": rank,
                "seconds": time.monotonic() - begun,
                "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "text": text if rank == 0 else None,
                "complaint": complaints[0] if complaints else None,
            }],
            schema=TOLD,
        )  # fmt: skip

    return run


def _prepared(
    prepare: Prepare, batches: Iterator[pa.RecordBatch], rank: int, n_ranks: int
) -> tuple[Fit | None, str | None]:
    """Prepare a rank's rows; what is wrong with them is told to all, so that nobody waits or tries again."""
    try:
        return prepare(batches), None
    except Exception as error:
        return None, _complaint(rank, n_ranks, error)


def _own_ip(context: BarrierTaskContext) -> str:
    """Give this task's address as LightGBM has to see it among those of the machine: a number, not a name."""
    host = context.getTaskInfos()[context.partitionId()].address.partition(":")[0]
    return socket.gethostbyname(host)


def _complaint(rank: int, n_ranks: int, error: Exception) -> str:
    said = " ".join(str(error).split())
    return f"rank {rank} of {n_ranks}: {type(error).__name__}: {said}"


def _in_one_line(error: Exception) -> str:
    found = COMPLAINT.search(str(error))
    return found.group() if found else next(iter(str(error).splitlines()), type(error).__name__)


def _sql(schema: pa.Schema) -> str:
    names = {pa.int64(): "bigint", pa.float64(): "double", pa.string(): "string"}
    return ", ".join(f"{field.name} {names[field.type]}" for field in schema)
