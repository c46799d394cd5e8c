"""What the comparison reads of a lake, collected once by Spark and kept as plain files.

`learn`: what every user had done that was known before the first midnight of the validation part. All embeddings are
fitted on nine tenths of these users; the others measure reconstruction.

`requests`: what each user of the training set had done as of the midnight that served each send, by the product's own
`features.behaviour.behaviour_rows`. A send's code is encoded from its own row, so nothing of the day that is measured,
or of any later one, is in the code, and training rows have the codes that they would have had.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import scipy.sparse as sp
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.behaviour import behaviour_cells, behaviour_rows, known_cells, vocabulary
from features.splits import PARTS
from jobs.build_training_set import META, TRAINING_SET
from jobs.embedding import collected_rows, distinct_users
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.past import read_past
from jobs.training_parts import read_part
from models.schema import FeatureSchema

FILES = LEARN, REQUESTS, ROWS, SCHEMA = ("learn.npz", "requests.npz", "rows.parquet", "schema.json")
INTERESTS = "interests.npz"
REQUEST = "request"
VOCABULARY = {"max_tokens": 1000, "min_users": 5}
"""The defaults of `jobs.train_embedding`."""


@dataclass(frozen=True)
class Data:
    """One lake's data."""

    learn: sp.csr_matrix
    """Raw counts as of the cut, shape (n_users, n_tokens), in order of the user."""
    requests: sp.csr_matrix
    """Raw counts of each distinct (user, as_of), shape (n_requests, n_tokens); the last row is empty, for whoever had
    done nothing."""
    rows: dict[str, pa.Table]
    """Labelled rows by part, with their place in `requests`."""
    schema: FeatureSchema
    interests: sp.csr_matrix | None
    """The simulator's true interests of each request's user, where the lake is a simulated one."""


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
    learn, _ = collected_rows(behaviour_rows(everybody, cells, tokens), n_tokens)
    sp.save_npz(folder / LEARN, learn)
    parts = pa.concat_tables(read_part(lake, ds, part) for part in PARTS)
    asked = distinct_users(lake.read(TRAINING_SET, since=ds, until=ds))
    requests, keys = collected_rows(behaviour_rows(asked, cells, tokens), n_tokens)
    sp.save_npz(folder / REQUESTS, sp.vstack([requests, sp.csr_matrix((1, n_tokens), dtype=np.float32)], format="csr"))
    interests = Path(root) / "simulated_logs" / "true_interests"
    if interests.exists():
        sp.save_npz(folder / INTERESTS, _interests(pq.read_table(interests), keys))
    pq.write_table(_with_request(parts, keys), folder / ROWS)
    (folder / SCHEMA).write_text(json.dumps(meta["schema"]))


def load(folder: Path) -> Data:
    """Read what `collect` wrote."""
    rows = pq.read_table(folder / ROWS)
    return Data(
        learn=sp.load_npz(folder / LEARN),
        requests=sp.load_npz(folder / REQUESTS),
        rows={part: rows.filter(pc.equal(rows["part"], part)) for part in PARTS},
        schema=FeatureSchema.from_json(json.loads((folder / SCHEMA).read_text())),
        interests=sp.load_npz(folder / INTERESTS) if (folder / INTERESTS).exists() else None,
    )


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
