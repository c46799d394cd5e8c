"""Whether several Spark tasks that learn together reach what one process learns, on a real cluster of two executors.

Behaviour of generated users (see `tests/benchmarks/embeddings/behaviour.py`) as the job gives it to its estimator; one
tenth of the users is kept from both and measures them. Prints FVU and seconds of each, seconds with the start of the
processes, and the share by which the FVU of the many is above that of the one; promised: at most 2 %.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from time import perf_counter

from sklearn.base import clone

from jobs.behaviour_sample import sample_of
from jobs.lake import Lake
from jobs.session import make_session
from jobs.shared_training import fingerprint, learn_together
from models.autoencoder.measures import fvu_of
from tests.benchmarks.embeddings.behaviour import N_TOKENS, behaviour_of
from tests.benchmarks.embeddings.grid import default

PROMISED = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.embeddings.shared", description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--max-epochs", type=int, default=default().get_params()["max_epochs"])
    args = parser.parse_args()
    settings = {
        "spark.master": "local-cluster[2,1,1024]",
        "spark.executorEnv.PYTHONPATH": os.environ.get("PYTHONPATH") or os.getcwd(),
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": "2",
    }
    spark = make_session("bench-embedding-processes", [f"{key}={value}" for key, value in settings.items()])
    try:
        rows = behaviour_of(spark, args.users).persist()
        rows.count()  # what generates them is not timed
        held_out = "conv(substr(md5(user_id), 1, 8), 16, 10) % 10 = 0"
        learn, check = rows.where(f"NOT {held_out}"), rows.where(held_out)
        counts, _, _ = sample_of(check.toArrow(), N_TOKENS)
        estimator = default(max_epochs=args.max_epochs)
        begun = perf_counter()
        sample = sample_of(learn.orderBy("user_id", "as_of").toArrow(), N_TOKENS)
        alone = clone(estimator).fit(sample.counts)
        done = perf_counter()
        with tempfile.TemporaryDirectory() as root:
            many, _ = learn_together(
                spark, Lake(spark, root), learn, clone(estimator), None, blocks=[""] * N_TOKENS, processes=2
            )
        ended = perf_counter()
    finally:
        spark.stop()
    one, two = fvu_of(alone, counts), fvu_of(many, counts)
    print(f"{sample.counts.shape[0]:,} users to learn from, {counts.shape[0]:,} to measure on, {N_TOKENS} tokens")
    print("| processes | FVU | epochs | seconds |\n|---|---|---|---|")
    print(f"| 1 | {one:.4f} | {alone.n_iter_} | {done - begun:.1f} |")
    print(f"| 2, with their start | {two:.4f} | {many.n_iter_} | {ended - done:.1f} |")
    print(f"both processes learned {fingerprint(many)}")
    above = two / one - 1
    verdict = "kept" if above <= PROMISED else "missed"
    print(f"FVU of two above that of one: {above:+.1%}; promised at most {PROMISED:.0%}: {verdict}")


if __name__ == "__main__":
    main()
