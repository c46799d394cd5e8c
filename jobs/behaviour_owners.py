"""Users and devices with what each did, collected to the driver."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.behaviour import behaviour_cells, behaviour_rows
from features.feature import History
from features.local_frame import local_frame
from jobs.embedding import matrix_of
from jobs.errors import BadInput
from models.autoencoder.store import StoredAutoencoder

USER, DEVICE = "user", "device"


@dataclass(frozen=True)
class Owners:
    """Users, or devices, and what each did."""

    kind: str
    ids: NDArray[np.object_]
    """Ascending, shape (n_owners,)."""
    counts: sp.csr_matrix
    """Raw counts, shape (n_owners, n_tokens)."""
    users: sp.csr_matrix
    """Whose these are: 1 in the column of each user, shape (n_owners, n_users)."""

    @property
    def events(self) -> NDArray[np.float64]:
        """How much each did, shape (n_owners,)."""
        return np.asarray(self.counts.sum(axis=1), dtype=np.float64).ravel()


def users_of(spark: SparkSession, past: History, embedding: StoredAutoencoder, ds: date) -> Owners:
    """Give all users who had done anything that the embedding knows, as of the midnight that ends ``ds``.

    Raises
    ------
    BadInput
        When there is none.
    """
    cells = behaviour_cells(past)
    keys = cells.select("user_id").distinct().withColumn("as_of", F.lit(ds + timedelta(days=1)))
    tokens = local_frame(spark, enumerate(embedding.vocabulary), "token_id int, token string")
    found: pa.Table = behaviour_rows(keys, cells, tokens).orderBy("user_id").toArrow()
    if not len(found):
        raise BadInput(f"expected users with behaviour known by the end of {ds}, got none")
    counts = matrix_of(found, len(embedding.vocabulary))
    ids = np.array(found["user_id"].to_pylist(), dtype=object)
    return Owners(USER, ids, counts, sp.identity(len(ids), dtype=np.float32, format="csr"))


def devices_of(past: History, users: Owners, ds: date) -> Owners:
    """Sum what the users of each device did; who had it is told by the log's devices, or else by its pushes."""
    holders: DataFrame = past.pushes_by("user_id", "device_id") if past.devices is None else past.devices
    pairs: pa.Table = (
        holders.where(F.col("ds") <= F.lit(ds)).select("device_id", "user_id").dropna().distinct().toArrow()
    )
    owner = np.array(pairs["user_id"].to_pylist(), dtype=object)
    place = np.minimum(np.searchsorted(users.ids, owner), len(users.ids) - 1)
    known = users.ids[place] == owner
    ids, device = np.unique(np.array(pairs["device_id"].to_pylist(), dtype=object)[known], return_inverse=True)
    ones = np.ones(len(device), dtype=np.float32)
    held = sp.csr_matrix((ones, (device, place[known])), shape=(len(ids), len(users.ids)))
    return Owners(DEVICE, ids, sp.csr_matrix(held @ users.counts), held)
