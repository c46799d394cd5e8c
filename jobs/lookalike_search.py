"""The search for lookalikes on Spark: each task looks through its own users, and only the best of each come together.

Three passes over the users: sums of codes, from which come directions; how many users lie at each Hamming distance,
from which comes how far to look; and the users within that distance, put in exact order. All that is summed is whole
numbers, so no figure depends on how users lie in partitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray
from pyspark import Broadcast
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from features.parts import Batches
from jobs.embedding import codes_matrix
from models.hamming_search import radius_of
from models.lookalikes import CANDIDATES_PER_RESULT, Directions, Everybody, best, fixed_sums, from_fixed, rows_of
from models.semantic_hashing import Floats

Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]

CELLS = "campaign int, place int, total bigint"
FOUND = "campaign int, user_id string, similarity double"


@dataclass(frozen=True)
class Means:
    """Mean rows, see ``models.lookalikes.rows_of``."""

    everybody: Everybody
    clickers: Floats
    """Of each campaign, shape (n_campaigns, n_latents); 0 where nobody clicked."""
    n_clickers: Counts
    """Clickers that have a code, shape (n_campaigns,)."""


def means_of(users: DataFrame, width: int, n_campaigns: int) -> Means:
    """Average the codes of everybody and of each campaign's clickers.

    Parameters
    ----------
    users : DataFrame
        See ``jobs.lookalike_users.LookalikeUsers.with_code``.
    width : int
        Latents of a code.
    """
    partial = users.select("latents", "latent_values", "clicked").mapInArrow(
        lambda batches: _sums(batches, width, n_campaigns), CELLS
    )
    totals = _totals(partial, (n_campaigns + 1, 2 * width + 1))
    n_users = totals[:, -1]
    means = from_fixed(totals[:, :-1]) / np.maximum(n_users, 1)[:, np.newaxis]
    return Means(Everybody.of(means[0, :width], means[0, width:]), means[1:, :width], n_users[1:])


def lookalikes(users: DataFrame, directions: Directions, top: int) -> DataFrame:
    """Find the most similar reachable users who were not sent a campaign.

    Parameters
    ----------
    users : DataFrame
        See ``jobs.lookalike_users.LookalikeUsers.with_code``; gone through twice.
    directions : Directions
        One a campaign.
    top : int
        How many for each campaign, at most.

    Returns
    -------
    DataFrame
        ``campaign`` (its place), ``rank`` from 1, ``user_id``, ``similarity``; of equals, the first by name comes
        first. The same as ``models.lookalikes.HashedUsers.find`` gives.
    """
    sent = users.sparkSession.sparkContext.broadcast(directions)
    read = users.select("user_id", "latents", "latent_values", "sent", "reachable")
    counted = read.mapInArrow(lambda batches: _histograms(batches, sent), CELLS)
    n_users = _totals(counted, (len(directions), directions.hasher.bits + 1))
    radii = np.array([radius_of(one, top * CANDIDATES_PER_RESULT) for one in n_users])
    near = read.mapInArrow(lambda batches: _nearest(batches, sent, radii, top), FOUND)
    order = Window.partitionBy("campaign").orderBy(F.desc("similarity"), "user_id")
    return near.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= top)


def _sums(batches: Batches, width: int, n_campaigns: int) -> Batches:
    """Sum up rows and their squares, everybody's and then each campaign's clickers'; the last place is their number."""
    totals = np.zeros((n_campaigns + 1, 2 * width + 1), np.int64)
    for batch in batches:
        rows, clicked = _rows(batch, width), _flags(batch, "clicked", n_campaigns)
        groups = np.vstack([np.ones((1, batch.num_rows), bool), clicked])
        totals[:, :-1] += fixed_sums(sp.hstack([rows, rows.multiply(rows)], format="csr"), groups)
        totals[:, -1] += groups.sum(axis=1)
    yield _cells(totals)


def _histograms(batches: Batches, sent: Broadcast[Directions]) -> Batches:
    """Give for each campaign how many users that may be found lie at each distance."""
    directions = sent.value
    n_users = np.zeros((len(directions), directions.hasher.bits + 1), np.int64)
    for batch in batches:
        distances = directions.distances(_rows(batch, directions.width))
        for place, eligible in enumerate(_eligible(batch, len(directions))):
            n_users[place] += np.bincount(distances[place, eligible], minlength=n_users.shape[1])
    yield _cells(n_users)


def _nearest(batches: Batches, sent: Broadcast[Directions], radii: Counts, top: int) -> Batches:
    """Give for each campaign the best of the users within its radius."""
    directions = sent.value
    names = [np.array([], object)] * len(directions)
    similarity = [np.array([], np.float64)] * len(directions)
    for batch in batches:
        rows, users = _rows(batch, directions.width), batch.column("user_id").to_numpy(zero_copy_only=False)
        distances = directions.distances(rows)
        for place, eligible in enumerate(_eligible(batch, len(directions))):
            near = np.flatnonzero(eligible & (distances[place] <= radii[place]))
            own_names = np.concatenate([names[place], users[near]])
            own = np.concatenate([similarity[place], rows[near] @ directions.weights[place]])
            kept = best(own, own_names, top)
            names[place], similarity[place] = own_names[kept], own[kept]
    campaign = np.repeat(np.arange(len(directions), dtype=np.int32), [len(one) for one in names])
    flat = pa.array(np.concatenate(names), pa.string()), pa.array(np.concatenate(similarity))
    yield _batch(campaign=pa.array(campaign), user_id=flat[0], similarity=flat[1])


def _rows(batch: pa.RecordBatch, width: int) -> sp.csr_matrix:
    """Give the rows of users."""
    return rows_of(codes_matrix(pa.Table.from_batches([batch]), width))


def _eligible(batch: pa.RecordBatch, n_campaigns: int) -> Iterable[Flags]:
    """Give for each campaign who may be found."""
    reachable = batch.column("reachable").to_numpy(zero_copy_only=False)
    return (reachable & ~sent for sent in _flags(batch, "sent", n_campaigns))


def _flags(batch: pa.RecordBatch, name: str, n_campaigns: int) -> Flags:
    """Turn lists of places, or null for none, into flags of shape (n_campaigns, n_rows)."""
    lists = batch.column(name)
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    found = np.zeros((n_campaigns, len(lists)), bool)
    found[lists.flatten().to_numpy(zero_copy_only=False), np.repeat(np.arange(len(lists)), lengths)] = True
    return found


def _cells(totals: Counts) -> pa.RecordBatch:
    campaign, place = (numbers.ravel().astype(np.int32) for numbers in np.indices(totals.shape))
    return _batch(campaign=pa.array(campaign), place=pa.array(place), total=pa.array(totals.ravel()))


def _totals(partial: DataFrame, shape: tuple[int, int]) -> Counts:
    """Add up what tasks gave."""
    cells = partial.groupBy("campaign", "place").agg(F.sum("total").alias("total")).toArrow()
    found = np.zeros(shape, np.int64)
    found[cells["campaign"].to_numpy(), cells["place"].to_numpy()] = cells["total"].to_numpy()
    return found


def _batch(**columns: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
