"""Processes that learn one embedding, each from its own file."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import shared_training
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.shared_training import learn_together
from models.autoencoder.topk import TopKAutoencoder
from tests.two_executors import TWO_EXECUTORS

REPOSITORY = Path(__file__).parents[2]
LEARN = """
import sys
from pathlib import Path
from jobs.embedding_progress import say_epoch
from jobs.shared_training import fingerprint, learn_shard
from models.autoencoder.topk import TopKAutoencoder
model = TopKAutoencoder(n_latents=4, k=2, batch_size=64, max_epochs=3, click_weight=0.5, dropout=0.2)
model.set_params(on_epoch=say_epoch)
fitted, moved = learn_shard(model, sys.argv[1:], ["event"] * 12, None)
assert moved is None
print(fingerprint(fitted), fitted.history_[-1] < fitted.history_[0])
threads = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
assert not [name for name in threads if "gloo" in name], threads
"""
TOGETHER = """
import sys
import pyarrow.parquet as pq
from sklearn.base import clone
from jobs.behaviour_sample import sample_of
from jobs.embedding_progress import say_epoch
from jobs.lake import Lake
from jobs.session import make_session
from jobs.shared_training import learn_together
from models.autoencoder.measures import fvu_of
from models.autoencoder.topk import TopKAutoencoder

root, path, *settings = sys.argv[1:]
counts = sample_of(pq.read_table(path), 12).counts
model = TopKAutoencoder(n_latents=2, k=1, batch_size=256, learning_rate=0.03, max_epochs=20)
alone = clone(model).fit(counts)
spark = make_session("tests", settings)
rows, lake = spark.read.parquet(path), Lake(spark, root)
model.set_params(on_epoch=say_epoch)
together, _ = learn_together(spark, lake, rows, model, None, blocks=["event"] * 12, processes=2)
spark.stop()
print(fvu_of(alone, counts), fvu_of(together, counts), together.n_iter_)
"""


def shard(users: range) -> pa.Table:
    """Rows of some users, two each, as the job writes them."""
    rng = np.random.default_rng(users.start)
    n_rows = 2 * len(users)
    ids = [sorted(rng.choice(6, 3, replace=False) + 6 * (row % 2)) for row in range(n_rows)]
    return pa.table({
        "user_id": [f"u{user}" for user in users for _ in range(2)],
        "as_of": [row % 2 for row in range(n_rows)],
        "token_ids": pa.array(ids, pa.list_(pa.int32())),
        "counts": pa.array([rng.integers(1, 9, 3) for _ in ids], pa.list_(pa.int64())),
        "clicks": pa.array([row % 2 for row in range(n_rows)], pa.int64()),
        "sends": pa.array([2] * n_rows, pa.int64()),
    })  # fmt: skip


def test_two_processes_learn_the_same_from_files_of_their_own(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("one.parquet", "other.parquet")]
    for path, users in zip(paths, (range(150), range(150, 270)), strict=True):
        pq.write_table(shard(users), path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {**os.environ, "PYTHONPATH": str(REPOSITORY), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LEARN, *paths],
            env={**common, "RANK": str(rank), "WORLD_SIZE": "2"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said, told = zip(*(process.communicate(timeout=120) for process in processes), strict=True)

    assert [process.returncode for process in processes] == [0, 0], told
    assert said[0] == said[1]
    assert said[0].endswith(" True\n")
    assert [one.count(": held-out FVU ") for one in told] == [3, 0]


@pytest.mark.slow
def test_two_executors_learn_as_well_as_one_process(tmp_path: Path) -> None:
    """A cluster of two executors, in a process of its own; its driver hears of the epochs."""
    pq.write_table(shard(range(3000)), tmp_path / "rows.parquet")
    words = [str(tmp_path / "lake"), str(tmp_path / "rows.parquet"), *TWO_EXECUTORS]
    job = subprocess.run([sys.executable, "-c", TOGETHER, *words], cwd=REPOSITORY, capture_output=True, text=True)
    assert job.returncode == 0, job.stderr
    alone, together, n_epochs = map(float, job.stdout.split())
    assert together == pytest.approx(alone, rel=0.02)
    assert job.stderr.count(": held-out FVU ") == n_epochs
    assert list((tmp_path / "lake").rglob("*.parquet")) == []


def test_too_few_users_for_the_processes_are_bad_input(spark: SparkSession, tmp_path: Path) -> None:
    schema = "user_id string, as_of date, token_ids array<int>, counts array<long>"
    rows = spark.createDataFrame([("u", None, [0], [1])], schema)
    lake = Lake(spark, str(tmp_path))

    with pytest.raises(BadInput, match="--processes 2: expected users for each, got some for 1"):
        learn_together(spark, lake, rows, TopKAutoencoder(n_latents=1, k=1), None, blocks=[""], processes=2)
    assert list(tmp_path.rglob("*.parquet")) == []


class Echo:
    """Stands in for `TorchDistributor` where processes are local."""

    def __init__(self, **_: Any) -> None: ...

    def run(self, *_: Any) -> tuple[None, None]:
        print("epoch 1")
        return None, None


def test_progress_goes_to_stderr(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shared_training, "TorchDistributor", Echo)
    rows = spark.range(20).selectExpr("concat('u', id) user_id", "current_date() as_of")
    learn_together(spark, Lake(spark, str(tmp_path)), rows, TopKAutoencoder(), None, blocks=[], processes=2)

    assert capsys.readouterr() == ("", "epoch 1\n")
