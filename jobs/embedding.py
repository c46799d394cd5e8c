"""Embedding versions in the lake, and Spark's side of encoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.behaviour import behaviour_rows
from features.known import Known
from features.known_counts import summed_cells
from features.local_frame import local_frame
from features.owner_streams import Question
from models.autoencoder.store import load_encoder

EMBEDDINGS = "embeddings"
CODES = {"latents": "array<smallint>", "latent_values": "array<float>"}
EMBEDDING_VERSION = "embedding_version"
"""Column of the stored codes that says whose they are."""


def codes_table(version: str) -> str:
    """Name of the table with the codes of training requests by one embedding version."""
    return f"codes/{version}"


def audience_codes_table(version: str) -> str:
    """Name of the table with the codes of the audience by one embedding version."""
    return f"audience_codes/{version}"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what is said of an embedding version."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return manifest


def encoded(spark: SparkSession, keys: DataFrame, cells: DataFrame, folder: Path) -> DataFrame:
    """Encode the behaviour of each request.

    Parameters
    ----------
    keys : DataFrame
        ``user_id, as_of`` and whatever else is to be kept, unique.
    cells : DataFrame
        See ``features.behaviour.behaviour_cells``.
    folder : Path
        An embedding version; its hashes are checked before it is used.

    Returns
    -------
    DataFrame
        The columns of ``keys``, ``latents`` (array of smallint, ascending), ``latent_values`` (array of float, above
        0). Requests without any token of the vocabulary have no row.
    """
    encoder, words = load_encoder(folder)
    tokens = local_frame(spark, enumerate(words), "token_id int, token string")

    def encode(known: Known) -> dict[str, pa.Array]:
        counts = summed_cells(known)
        counts.sort_indices()
        offsets, *codes = encoder.encode_lists(counts.indptr, counts.indices, counts.data)
        lists = (pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat)) for flat in codes)
        return dict(zip(CODES, lists, strict=True))

    return behaviour_rows(keys, cells, tokens, Question(encode, CODES))


def matrix_of(rows: pa.Table, n_tokens: int) -> sp.csr_matrix:
    """Turn collected behaviour rows into raw counts, csr_matrix of float32, shape (n_rows, n_tokens)."""
    ids, counts = (rows.column(name).combine_chunks() for name in ("token_ids", "counts"))
    offsets = np.asarray(ids.offsets)
    flat = (counts.flatten().to_numpy().astype(np.float32), ids.flatten().to_numpy(), offsets - offsets[0])
    return sp.csr_matrix(flat, shape=(len(ids), n_tokens))


def codes_matrix(rows: pa.Table, n_latents: int) -> sp.csr_matrix:
    """Turn collected codes into a csr_matrix of float32, shape (n_rows, n_latents); a row without a code is empty."""
    latents, values = (rows[name].combine_chunks() for name in ("latents", "latent_values"))
    offsets = np.concatenate([[0], np.cumsum(latents.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))])
    return sp.csr_matrix((values.flatten().to_numpy(), latents.flatten().to_numpy(), offsets), (len(rows), n_latents))


def distinct_users(requests: DataFrame, *per: str) -> DataFrame:
    """Give the ``user_id, as_of`` (and further columns) that requests ask a code for."""
    return requests.select("user_id", "as_of", *per).where(F.col("user_id").isNotNull()).distinct()
