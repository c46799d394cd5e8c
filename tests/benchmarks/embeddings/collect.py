"""Collect what the comparison reads of a lake, once, by Spark."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import scipy.sparse as sp
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.behaviour import behaviour_cells, behaviour_rows, known_cells, vocabulary
from jobs.build_training_set import META, TRAINING_SET
from jobs.embedding import distinct_users, matrix_of
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.past import read_past
from jobs.session import make_session
from jobs.training_parts import read_part
from tests.benchmarks.embeddings.data import INTERESTS, LEARN, PARTS, REQUEST, REQUESTS, ROWS, SCHEMA

VOCABULARY = {"max_tokens": 1000, "min_users": 5}
"""The defaults of `jobs.train_embedding`."""


def collect_from(root: str, ds: date, folder: Path) -> None:
    """Write the files of a lake's day to a folder, in a session of its own."""
    spark = make_session("bench-embeddings")
    try:
        collect(spark, root, ds, folder)
    finally:
        spark.stop()


def collect(spark: SparkSession, root: str, ds: date, folder: Path) -> None:
    """Write the files of a lake's day to a folder."""
    lake = Lake(spark, root)
    meta = lake.get_json(META, ds)
    cut = date.fromisoformat(meta["split"]["validation"][0])
    cells = behaviour_cells(read_past(lake, read_note(lake, ds), ds))
    everybody = cells.select("user_id").distinct().withColumn("as_of", F.lit(cut))
    tokens = vocabulary(known_cells(everybody, cells), **VOCABULARY).persist()
    n_tokens = tokens.count()
    folder.mkdir(parents=True, exist_ok=True)
    learn, _ = _collected(behaviour_rows(everybody, cells, tokens), n_tokens)
    sp.save_npz(folder / LEARN, learn)
    parts = pa.concat_tables(read_part(lake, ds, part) for part in PARTS)
    asked = distinct_users(lake.read(TRAINING_SET, since=ds, until=ds))
    requests, keys = _collected(behaviour_rows(asked, cells, tokens), n_tokens)
    sp.save_npz(folder / REQUESTS, sp.vstack([requests, sp.csr_matrix((1, n_tokens), dtype=np.float32)], format="csr"))
    interests = Path(root) / "simulated_logs" / "true_interests"
    if interests.exists():
        sp.save_npz(folder / INTERESTS, _interests(pq.read_table(interests), keys))
    pq.write_table(_with_request(parts, keys), folder / ROWS)
    (folder / SCHEMA).write_text(json.dumps(meta["schema"]))


def _collected(rows: DataFrame, n_tokens: int) -> tuple[sp.csr_matrix, pa.Table]:
    """Give raw counts, and ``user_id, as_of`` of each row."""
    table = rows.orderBy("user_id", "as_of").toArrow()
    return matrix_of(table, n_tokens), table.select(["user_id", "as_of"])


def _with_request(parts: pa.Table, keys: pa.Table) -> pa.Table:
    numbered = keys.append_column(REQUEST, pa.array(np.arange(len(keys), dtype=np.int64)))
    feature_rows = parts.drop_columns(["latents", "latent_values"])
    joined = feature_rows.join(numbered, ["user_id", "as_of"], join_type="left outer").sort_by("send_id")
    place = pc.fill_null(joined[REQUEST], len(keys))
    return joined.set_column(joined.column_names.index(REQUEST), REQUEST, place)


def _interests(table: pa.Table, keys: pa.Table) -> sp.csr_matrix:
    """Give weight 1 to a user's strongest interest, 1/2 to the next one, and so on; one row a request, the last one
    empty."""
    of_user: dict[str, Any] = dict(zip(table["user_id"].to_pylist(), table["interests"].to_pylist(), strict=True))
    held = [of_user.get(user, []) for user in keys["user_id"].to_pylist()] + [[]]
    lengths = [len(one) for one in held]
    weights = np.concatenate([1 / np.arange(1, length + 1) for length in lengths])
    flat = (weights, np.concatenate(held).astype(np.int32), np.concatenate([[0], np.cumsum(lengths)]))
    return sp.csr_matrix(flat, shape=(len(held), max(max(one, default=0) for one in held) + 1))
