"""Draw a map of users by the embedding of the day, and tell in words what its most used latents stand for.

Users of the hold-out, each with the code of the midnight before the first send to them there, so their clicks came
after what the code tells. In the daily chain where the whole report is asked for; the report shows the map of a day
that has one. Reads the training set and the embedding of the day; writes ROOT/embedding_map/ds=DAY.json, which names no
user.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray
from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits

from features.behaviour import in_words
from jobs.build_training_set import META
from jobs.cli import at_least, job_parser, run_job, say
from jobs.embedding import EMBEDDINGS, codes_matrix
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.training_parts import read_part
from models.autoencoder.drivers import drivers
from models.autoencoder.embedding_map import draw_map, rate_about
from models.autoencoder.store import StoredAutoencoder, load
from models.click_gap import click_gaps
from models.serving.encoder import LATENT_VALUES, LATENTS

EMBEDDING_MAP = "embedding_map"
MOST_USED = 8
"""Latents that are described: so many that most users have, and so many that are the greatest of most users."""
ALIKE, ALIKE_SHARE = 200, 0.05
"""Users whose clicks colour a dot; in a small hold-out, this share of its users."""
SPAN = 1000
"""Places on the map are whole numbers from 0 to this."""


@dataclass(frozen=True)
class People:
    """Users of the hold-out who have a code, in order of their id."""

    codes: sp.csr_matrix
    """Shape (n_users, n_latents)."""
    clicks: NDArray[np.float64]
    sends: NDArray[np.int64]
    """Of the whole hold-out, shape (n_users,)."""


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument("--users", type=at_least(1), default=2000, help="users on the map at most (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="what users, map and intervals are drawn with")
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Describe the embedding of ``args.ds``."""
    lake = Lake(spark, args.root)
    embedding = load(lake.get_folder(EMBEDDINGS, args.ds))
    version = embedding.manifest["version"]
    trained = lake.get_json(META, args.ds)["embedding"]["version"]
    if version != trained:
        raise BadInput(f"the training set of {args.ds} has codes by {trained}, not by {version}; build it again")
    n_latents = embedding.manifest["n_latents"]
    people, without_code = _people(read_part(lake, args.ds, "holdout"), n_latents)
    with threadpool_limits(limits=1):
        found = _described(people, embedding, args.seed) | _mapped(people, args.users, args.seed)
    say(f"{len(found['latents'])} latents described; trustworthiness of the map {found['trustworthiness']:.3f}")
    about = {"embedding_version": version, "seed": args.seed, "users": len(people.sends), "without_code": without_code}
    lake.put_json(EMBEDDING_MAP, args.ds, about | found)


def _people(rows: pa.Table, n_latents: int) -> tuple[People, int]:
    """Gather the rows by user; also count the users without a code."""
    rows = rows.select(["user_id", "as_of", "label", LATENTS, LATENT_VALUES]).sort_by(
        [("user_id", "ascending"), ("as_of", "ascending")]
    )
    _, first, position = np.unique(
        np.asarray(rows["user_id"].to_pylist(), dtype=str), return_index=True, return_inverse=True
    )
    codes = codes_matrix(rows.take(pa.array(first)), n_latents)
    clicks, sends = np.bincount(position, rows["label"].to_numpy()).astype(np.float64), np.bincount(position)
    known = codes.getnnz(axis=1) > 0
    return People(codes[known], clicks[known], sends[known]), int((~known).sum())


def _described(people: People, embedding: StoredAutoencoder, seed: int) -> dict[str, Any]:
    having, top = _used(people.codes)
    latents = sorted({*_first(having), *_first(top)}, key=lambda latent: (-having[latent], latent))
    gaps = click_gaps(people.codes[:, latents], people.clicks, people.sends, seed=seed)
    values = people.codes.sum(axis=0).A1 / np.maximum(having, 1)
    n_users = len(people.sends)
    return {
        "latents": [
            {
                **asdict(gap),
                "latent": latent,
                "user_share": having[latent] / n_users,
                "top_share": top[latent] / n_users,
                "drivers": [
                    {**asdict(one), "behaviour": in_words(embedding.vocabulary[one.token])}
                    for one in drivers(embedding.estimator, latent, float(values[latent]))
                ],
            }
            for latent, gap in zip(latents, gaps, strict=True)
        ]
    }


def _mapped(people: People, most: int, seed: int) -> dict[str, Any]:
    n_users = len(people.sends)
    chosen = np.sort(np.random.default_rng(seed).choice(n_users, size=min(most, n_users), replace=False))
    try:
        drawn = draw_map(people.codes[chosen], seed=seed)
    except ValueError as error:
        raise BadInput(f"hold-out: {error}") from None
    alike = max(1, min(ALIKE, int(ALIKE_SHARE * n_users)))
    rate = rate_about(people.codes, chosen, people.clicks, people.sends, k=alike)
    x, y = np.rint(SPAN * drawn.places).astype(int).T
    top = people.codes[chosen].argmax(axis=1).A1
    points = {"x": x.tolist(), "y": y.tolist(), "click_rate": rate.round(4).tolist(), "latent": top.tolist()}
    return {"trustworthiness": drawn.trustworthiness, "alike": alike, "points": points}


def _used(codes: sp.csr_matrix) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the users who have each latent, and those whose greatest one it is."""
    n_latents = codes.shape[1]
    return codes.getnnz(axis=0), np.bincount(codes.argmax(axis=1).A1, minlength=n_latents)


def _first(counts: NDArray[np.int64]) -> list[int]:
    order = np.argsort(-counts, kind="stable")[:MOST_USED].tolist()
    return [latent for latent in order if counts[latent]]


if __name__ == "__main__":
    run_job(arg_parser, run)
