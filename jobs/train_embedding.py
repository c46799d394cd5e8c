"""Learn an embedding version: a sparse autoencoder of what users did, known before the validation part begins.

The version is named by the hash of what was learned, so the same data and seed give the same version.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.behaviour import behaviour_cells, behaviour_rows, known_cells, vocabulary
from jobs.cli import at_least, job_parser, run_job, say
from jobs.embedding import EMBEDDINGS, collected_rows
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.past import read_past
from jobs.split_arguments import add_split_arguments, split_of
from models.autoencoder.store import save
from models.autoencoder.topk import TopKAutoencoder


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    add_split_arguments(parser)
    parser.add_argument("--latents", type=at_least(2), default=64, help="width of the code")
    parser.add_argument("--k", type=at_least(1), default=8, help="latents that a user may have; two bytes each")
    parser.add_argument("--dropout", type=float, default=0.3, help="share of a user's tokens hidden while learning")
    parser.add_argument(
        "--scale-floor", type=float, default=1.0, help="least scale of a token, in root mean squares of all deviations"
    )
    parser.add_argument("--max-epochs", type=at_least(1), default=30)
    parser.add_argument("--max-tokens", type=at_least(2), default=1000, help="size of the vocabulary at most")
    parser.add_argument("--min-users", type=at_least(1), default=5, help="users that a token must have to be learned")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Train the embedding of ``args.ds``."""
    estimator = _estimator(args)
    lake = Lake(spark, args.root)
    note = read_note(lake, args.ds)
    cut = split_of(args, note.rules).cut
    cells = behaviour_cells(read_past(lake, note, args.ds, as_of=cut))
    keys = cells.select("user_id").distinct().withColumn("as_of", F.lit(cut))
    tokens = vocabulary(known_cells(keys, cells), max_tokens=args.max_tokens, min_users=args.min_users).persist()
    words = [row["token"] for row in tokens.orderBy("token_id").collect()]
    if len(words) < args.k:
        raise BadInput(
            f"behaviour known before {cut}: expected at least {args.k} tokens that {args.min_users} users have, "
            f"got {len(words)}"
        )
    n_latents = min(args.latents, len(words))
    matrix, _ = collected_rows(behaviour_rows(keys, cells, tokens), len(words))
    say(f"learning {n_latents} latents from {matrix.shape[0]:,} users x {len(words):,} tokens known before {cut}")
    estimator.set_params(n_latents=n_latents).fit(matrix)
    with tempfile.TemporaryDirectory() as folder:
        manifest = save(estimator, words, Path(folder) / "embedding", measures=estimator.measures_)
        lake.put_folder(EMBEDDINGS, args.ds, Path(folder) / "embedding")
    say(f"embedding {manifest['version']}: FVU {manifest['fvu']:.3f}, L0 {manifest['l0']:.1f}")
    tokens.unpersist()


def _estimator(args: argparse.Namespace) -> TopKAutoencoder:
    estimator = TopKAutoencoder(
        n_latents=args.latents,
        k=args.k,
        dropout=args.dropout,
        scale_floor=args.scale_floor,
        max_epochs=args.max_epochs,
        random_state=args.seed,
    )
    try:
        estimator.check_settings()
    except ValueError as error:
        raise BadInput(str(error)) from None
    return estimator


if __name__ == "__main__":
    run_job(arg_parser, run)
