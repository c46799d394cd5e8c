"""Learn an embedding version: a sparse autoencoder of what users did, known before the validation part begins.

The version is named by the hash of what was learned, so the same data and seed give the same version.

With --click-weight, codes are also to tell which pushes were clicked before the training part began: of those in it,
the click models are to learn. All that is learned then was known before the training part begins. Rows of what was
known as of the midnight of each of these pushes come behind those of what each user had done by the end of that time.
--train-days says where the training part begins; a log that is no longer than that has nothing before it.

With --processes, as many Spark tasks learn together, each from its own part of the users, so that no machine holds all
of them. They must find room at the same time; where they run, Python must find these modules (PYTHONPATH).

With --warm-start, training begins at the last version before --ds: latents keep their meaning, and the manifest says
how far they moved. What was learned from a user since forgotten lives on that way: after forget_users, go without once.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from jobs.behaviour_sample import VocabularySizes, sample_of, sample_rows
from jobs.cli import at_least, job_parser, run_job, say
from jobs.click_counts import window_before
from jobs.embedding import EMBEDDINGS
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.shared_training import learn_together
from jobs.split_arguments import add_split_arguments, split_of
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.store import load, save
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.warm_start import LastVersion, Moved


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
    parser.add_argument(
        "--click-weight",
        type=float,
        default=0.0,
        help="weight of telling clicks beside rebuilding",
    )
    parser.add_argument("--max-epochs", type=at_least(1), default=30)
    parser.add_argument("--max-tokens", type=at_least(2), default=1000, help="size of the vocabulary at most")
    parser.add_argument("--min-users", type=at_least(1), default=5, help="users that a token must have to be learned")
    parser.add_argument("--warm-start", action="store_true", help="start from the last version before --ds")
    parser.add_argument(
        "--processes", type=at_least(1), default=1, help="tasks that learn together, each from a part of the users"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Train the embedding of ``args.ds``."""
    estimator = _estimator(args)
    lake = Lake(spark, args.root)
    note = read_note(lake, args.ds)
    split = split_of(args, note.rules)
    if args.click_weight > 0:
        split = window_before(split)
    sizes = VocabularySizes(args.max_tokens, args.min_users)
    words, rows = sample_rows(lake, note, args.ds, split, sizes, labelled=args.click_weight > 0)
    if len(words) < args.k:
        raise BadInput(
            f"behaviour known before {split.cut}: expected at least {args.k} tokens that {args.min_users} users have, "
            f"got {len(words)}"
        )
    estimator.set_params(n_latents=min(args.latents, len(words)))
    last, version = _last_version(lake, args.ds, estimator, words) if args.warm_start else (None, None)
    say(f"learning {estimator.n_latents} latents from {len(words):,} tokens known before {split.cut}")
    fitted, moved = _learn(spark, lake, rows, estimator, last, n_tokens=len(words), processes=args.processes)
    warm = {"from": version, **moved} if moved else None
    with tempfile.TemporaryDirectory() as folder:
        measures = {**fitted.measures_, "warm_start": warm}
        manifest = save(fitted, words, Path(folder) / "embedding", measures)
        lake.put_folder(EMBEDDINGS, args.ds, Path(folder) / "embedding")
    say(f"embedding {manifest['version']}: FVU {manifest['fvu']:.3f}, L0 {manifest['l0']:.1f}")
    if moved:
        say(
            f"since {version}: {moved['shared_tokens']} tokens shared, matched cosine {moved['matched_cosine']:.3f}, "
            f"linear CKA {moved['linear_cka']:.3f}"
        )


def _last_version(lake: Lake, ds: date, estimator: Autoencoder, words: list[str]) -> tuple[LastVersion, str]:
    days = [day for day in lake.days(EMBEDDINGS) if day < ds]
    if not days:
        raise BadInput(f"--warm-start: expected an embedding of a day before {ds} in {lake.root}, got none")
    try:
        stored = load(lake.get_folder(EMBEDDINGS, days[-1]))
        last = LastVersion.of(stored.estimator, stored.vocabulary, words)
        last.check(estimator)
    except ValueError as error:
        raise BadInput(f"--warm-start from {days[-1]}: {error}") from None
    return last, stored.manifest["version"]


def _learn(
    spark: SparkSession,
    lake: Lake,
    rows: DataFrame,
    estimator: Autoencoder,
    last: LastVersion | None,
    *,
    n_tokens: int,
    processes: int,
) -> tuple[Autoencoder, Moved | None]:
    if processes > 1:
        return learn_together(spark, lake, rows, estimator, last, n_tokens=n_tokens, processes=processes)
    counts, labels, users = sample_of(rows.orderBy("user_id", "as_of").toArrow(), n_tokens)
    try:
        estimator.fit(counts, labels, groups=users, last=last)
    except ValueError as error:
        raise BadInput(str(error)) from None
    return estimator, last.stability(estimator, counts) if last else None


def _estimator(args: argparse.Namespace) -> Autoencoder:
    estimator = TopKAutoencoder(
        n_latents=args.latents,
        k=args.k,
        dropout=args.dropout,
        scale_floor=args.scale_floor,
        click_weight=args.click_weight,
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
