"""An embedding learned by several processes at once, each from its own file: Spark's ``TorchDistributor``.

The rows never meet on one machine. What the processes share is what ``models.autoencoder.ranks`` says; the weights of
all are compared by hash at the end. Not to the bit what one process learns, nor what another number of them does.
"""

from __future__ import annotations

import hashlib
import sys
import uuid
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from pyspark.ml.torch.distributor import TorchDistributor
from pyspark.sql import DataFrame, SparkSession

from jobs.behaviour_sample import sample_of
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.last_embedding import LastEmbedding, SinceLast
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.ranks import GlooRanks

SHARDS = "_embedding_shards"


def learn_together(
    spark: SparkSession,
    lake: Lake,
    rows: DataFrame,
    estimator: Autoencoder,
    last: LastEmbedding | None,
    *,
    blocks: Sequence[str],
    processes: int,
) -> tuple[Autoencoder, SinceLast | None]:
    """Fit in as many tasks as there are processes; they must find room at the same time.

    The lake must be readable by pyarrow on every executor, and this checkout importable by its Python.

    Parameters
    ----------
    rows : DataFrame
        See ``jobs.behaviour_sample.sample_rows``.
    last : LastEmbedding, optional
        What to compare with, and to start from where it is warm.
    blocks : sequence of str
        The block of each token, see ``models.autoencoder.measures.blocks_of``.

    Raises
    ------
    BadInput
        When there are too few users to give each process one.
    """
    folder = f"{lake.root}/{SHARDS}/{uuid.uuid4().hex}"
    by_user = rows.repartition(processes, "user_id").sortWithinPartitions("user_id", "as_of")
    try:
        by_user.write.parquet(folder)
        shards = [f"{folder}/{name}" for name in lake.storage.names(folder) if name.endswith(".parquet")]
        if len(shards) != processes:
            raise BadInput(f"--processes {processes}: expected users for each, got some for {len(shards)}")
        local = (spark.conf.get("spark.master") or "").startswith("local[")
        distributor = TorchDistributor(num_processes=processes, local_mode=local, use_gpu=False)
        with redirect_stdout(sys.stderr):  # local processes are echoed to stdout, which is for results
            fitted: Any = distributor.run(learn_shard, estimator, shards, blocks, last)
        return fitted[0], fitted[1]
    finally:
        lake.storage.delete(folder)


def learn_shard(
    estimator: Autoencoder, shards: Sequence[str], blocks: Sequence[str], last: LastEmbedding | None
) -> tuple[Autoencoder, SinceLast | None]:
    """Do one process's part; what the first one returns is the result, and it alone tells its epochs.

    Raises
    ------
    RuntimeError
        When two processes have learned different weights.
    """
    with GlooRanks() as ranks:
        counts, labels, users = sample_of(pq.read_table(shards[ranks.rank]), len(blocks))
        if ranks.rank:
            estimator.set_params(on_epoch=None)
        estimator.fit(counts, labels, groups=users, last=last.start if last else None, ranks=ranks, blocks=blocks)
        learned = ranks.all_of(fingerprint(estimator))
        if len(set(learned)) > 1:
            raise RuntimeError(f"expected the same weights in all processes, got {', '.join(learned)}")
    return estimator, last.since(estimator, counts) if last else None


def fingerprint(estimator: Autoencoder) -> str:
    """Give 12 hex digits of the hash of all that was learned."""
    digest = hashlib.sha256()
    for name in estimator.learned:
        digest.update(np.ascontiguousarray(getattr(estimator, name)).tobytes())
    return digest.hexdigest()[:12]
