"""One process that learns: the same with all rows in memory, nearly the same from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.lake import Lake
from jobs.lone_training import _held_out, learn_alone
from jobs.stored_behaviour import StoredBehaviour
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.topk import TopKAutoencoder

N_ROWS, BLOCKS = 500, ["event"] * 12
SCHEMA = "user_id string, as_of string, token_ids array<int>, counts array<bigint>"


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    """Users with one of two interests of six tokens."""
    rng = np.random.default_rng(0)
    data = [
        (f"u{user}", "2026-01-01", sorted((rng.choice(6, 3, replace=False) + 6 * (user % 2)).tolist()), [1, 2, 3])
        for user in range(N_ROWS)
    ]
    return spark.createDataFrame(data, SCHEMA)


def learned(lake: Lake, rows: DataFrame, rows_in_memory: int | None) -> Autoencoder:
    model = TopKAutoencoder(n_latents=4, k=2, batch_size=32, max_epochs=20, device="cpu")
    return learn_alone(lake, rows, model, None, blocks=BLOCKS, rows_in_memory=rows_in_memory)[0]


def test_rows_that_do_not_fit_are_learned_from_disk(spark: SparkSession, rows: DataFrame, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path))
    at_once, fits, streamed = (learned(lake, rows, most) for most in (None, N_ROWS, 120))

    assert np.array_equal(fits.encoder_, at_once.encoder_)
    assert not np.array_equal(streamed.encoder_, at_once.encoder_)
    assert streamed.measures_["fvu"] == pytest.approx(at_once.measures_["fvu"], abs=0.06)
    assert np.array_equal(learned(lake, rows.repartition(3), 120).encoder_, streamed.encoder_)
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.fixture
def stored(tmp_path: Path) -> StoredBehaviour:
    users = ["a", "b", "b", "b", "c", "d", "d"]
    for number, part in enumerate((users[:3], users[3:])):
        pq.write_table(pa.table({"user_id": part}), tmp_path / f"{number}.parquet", row_group_size=2)
    return StoredBehaviour(sorted(tmp_path.glob("*.parquet")))


def test_blocks_follow_neither_files_nor_row_groups(stored: StoredBehaviour) -> None:
    read = [table["user_id"].to_pylist() for table in stored.blocks(3, first=1)]
    assert read == [["b", "b", "b"], ["c", "d", "d"]]
    assert [len(table) for table in stored.blocks(5)] == [5, 2]
    assert len(stored) == len(stored.read()) == 7


@pytest.mark.parametrize(("n_rows", "held_out"), [(1, 1), (2, 1), (3, 1), (4, 4), (6, 5)])
def test_a_user_is_held_out_whole(stored: StoredBehaviour, n_rows: int, held_out: int) -> None:
    assert len(_held_out(stored, n_rows)) == held_out
