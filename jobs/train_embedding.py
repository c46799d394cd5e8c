"""Learn an embedding version: a sparse autoencoder of what users did, known before the validation part begins.

The version is named by the hash of what was learned, so the same data and seed give the same version.

With --click-weight, codes are also to tell which pushes were clicked before the training part began: of those in it,
the click models are to learn. All that is learned then was known before the training part begins. Rows of what was
known as of the midnight of each of these pushes come behind those of what each user had done by the end of that time.
--train-days says where the training part begins; a log that is no longer than that has nothing before it.

With --processes, as many Spark tasks learn together, each from its own part of the users, so that no machine holds all
of them. They must find room at the same time; where they run, Python must find these modules (PYTHONPATH).

With --rows-in-memory, one process learns from rows on disk, so many at a time, where there are more. What it learns
then is a little different: tokens are scaled as the first of these blocks has them.

The manifest says how far latents moved since the last version before --ds, where that is of the same variant and width
and reads the same tokens. With --warm-start, training begins there, and latents keep their meaning. What was learned
from a user since forgotten lives on that way: after forget_users, go without once.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs.behaviour_sample import VocabularySizes, sample_rows
from jobs.cli import at_least, job_parser, run_job, say
from jobs.click_counts import window_before
from jobs.embedding import EMBEDDINGS
from jobs.embedding_arguments import add_embedding_arguments, estimator_of
from jobs.embedding_progress import say_epoch
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.last_embedding import SINCE_LAST, LastEmbedding, SinceLast, last_embedding
from jobs.log_note import read_note
from jobs.lone_training import learn_alone
from jobs.shared_training import learn_together
from jobs.split_arguments import add_split_arguments, split_of
from jobs.token_schema import TOKEN_SCHEMA, token_schema
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.measures import blocks_of
from models.autoencoder.store import save


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    add_split_arguments(parser)
    add_embedding_arguments(parser)
    parser.add_argument("--max-tokens", type=at_least(2), default=1000, help="size of the vocabulary at most")
    parser.add_argument("--min-users", type=at_least(1), default=5, help="users that a token must have to be learned")
    parser.add_argument("--warm-start", action="store_true", help="start from the last version before --ds")
    parser.add_argument(
        "--processes", type=at_least(1), default=1, help="tasks that learn together, each from a part of the users"
    )
    parser.add_argument(
        "--rows-in-memory", type=at_least(2), metavar="N", help="most rows to hold at a time (default: all)"
    )
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Train the embedding of ``args.ds``."""
    estimator = estimator_of(args)
    if args.rows_in_memory and args.processes > 1:
        raise BadInput(f"--rows-in-memory is for one process: expected --processes 1, got {args.processes}")
    lake = Lake(spark, args.root)
    note = read_note(lake, args.ds)
    split = split_of(args, note.rules)
    if args.click_weight > 0:
        split = window_before(split)
    sizes = VocabularySizes(args.max_tokens, args.min_users)
    words, rows = sample_rows(lake, note, args.ds, split, sizes, labelled=args.click_weight > 0)
    least = estimator.get_params().get("k", 1)
    if len(words) < least:
        raise BadInput(
            f"behaviour known before {split.cut}: expected at least {least} tokens that {args.min_users} users have, "
            f"got {len(words)}"
        )
    last = last_embedding(lake, note, args.ds, estimator, words, warm=args.warm_start)
    say(f"learning {estimator.n_latents} latents from {len(words):,} tokens known before {split.cut}")
    many = {"processes": args.processes, "rows_in_memory": args.rows_in_memory}
    fitted, since = _learn(spark, lake, rows, estimator, last, words=words, **many)
    with tempfile.TemporaryDirectory() as folder:
        measures = {**fitted.measures_, SINCE_LAST: since, TOKEN_SCHEMA: token_schema(note)}
        manifest = save(fitted, words, Path(folder) / "embedding", measures)
        lake.put_folder(EMBEDDINGS, args.ds, Path(folder) / "embedding")
    say(f"embedding {manifest['version']}: FVU {manifest['fvu']:.3f}, L0 {manifest['l0']:.1f}")
    if since:
        say(
            f"since {since['from']}: {since['shared_tokens']} tokens shared, matched cosine "
            f"{since['matched_cosine']:.3f}, {since['matched_share']:.0%} of latents matched, linear CKA "
            f"{since['linear_cka']:.3f}"
        )


def _learn(
    spark: SparkSession,
    lake: Lake,
    rows: DataFrame,
    estimator: Autoencoder,
    last: LastEmbedding | None,
    *,
    words: list[str],
    processes: int,
    rows_in_memory: int | None = None,
) -> tuple[Autoencoder, SinceLast | None]:
    blocks = blocks_of(words)
    estimator.set_params(on_epoch=say_epoch)
    if processes > 1:
        return learn_together(spark, lake, rows, estimator, last, blocks=blocks, processes=processes)
    try:
        return learn_alone(lake, rows, estimator, last, blocks=blocks, rows_in_memory=rows_in_memory)
    except ValueError as error:
        raise BadInput(str(error)) from None


if __name__ == "__main__":
    run_job(arg_parser, run)
