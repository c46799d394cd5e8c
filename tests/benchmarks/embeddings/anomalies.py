"""Measure `flag_anomalies` on the simulator's bots, beside simpler scores.

Data: a lake with an embedding of --ds, and the simulator's true_bots, which no job reads. Everyone with at least
--min-events is ranked by each score; a bot with less behaviour counts as missed. AP is average precision; precision and
recall are those of as many flags as `flag_anomalies` would raise, for all scores alike. Intervals are 95 %, by users
drawn with replacement; the last column is the paired difference in AP. Devices: the same with what all users of a
device did, for one that any bot has.

The rivals are not handicapped: the product's score is the error held against that of users with about as many events,
and those that a user's activity would mislead are shown held against the same peers as well (`given events`). Isolation
Forest has raw counts, or those that the embedding sees.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import numpy as np
import pyarrow.parquet as pq
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score

from jobs.behaviour_owners import Owners, devices_of, users_of
from jobs.embedding import EMBEDDINGS
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.past import read_past
from jobs.session import make_session
from models.anomalies import PeerScale, out_of_line, rebuild_errors
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.store import StoredAutoencoder, load

OURS, DRAWS, TREES, COMPONENTS = "flag_anomalies", 200, 200, (8, 64)
Floats = NDArray[np.float64]
Score = Callable[[Owners], Floats]


def arg_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.embeddings.anomalies",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", required=True, help="a lake with an embedding of the day; only read")
    parser.add_argument("--ds", required=True, type=date.fromisoformat, help="the day, YYYY-MM-DD")
    parser.add_argument("--truth", help="the simulator's true_bots (default: ROOT/simulated_logs/true_bots)")
    parser.add_argument("--limit", type=float, default=4.0)
    parser.add_argument("--most-share", type=float, default=0.01)
    parser.add_argument("--min-events", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def main() -> None:
    args = arg_parser().parse_args()
    truth = pq.read_table(args.truth or f"{args.root}/simulated_logs/true_bots", columns=["user_id"])
    embedding, users, devices = collected(args.root, args.ds)
    bots = np.isin(users.ids, truth["user_id"].to_pylist())
    scores = scores_of(embedding.estimator, users, args.min_events, args.seed)
    for owners, is_bot in ((users, bots), (devices, (devices.users @ bots.astype(np.float32)) > 0)):
        judged = owners.events >= args.min_events
        print(
            f"\n{len(is_bot):,} {owners.kind}s, {is_bot.sum()} with a bot; {judged.sum():,} with at least "
            f"{args.min_events} events, {is_bot[judged].sum()} with a bot\n"
        )
        found = {name: np.where(judged, score(owners), np.nan) for name, score in scores.items()}
        print("\n".join(table(found, is_bot, args)))


def collected(root: str, ds: date) -> tuple[StoredAutoencoder, Owners, Owners]:
    """Read the embedding, and what users and devices did, as the job does."""
    spark = make_session("bench-anomalies")
    try:
        lake = Lake(spark, root)
        embedding = load(lake.get_folder(EMBEDDINGS, ds))
        past = read_past(lake, read_note(lake, ds), ds, as_of=ds + timedelta(days=1))
        users = users_of(spark, past, embedding, ds)
        return embedding, users, devices_of(past, users, ds)
    finally:
        spark.stop()


def scores_of(estimator: Autoencoder, users: Owners, min_events: int, seed: int) -> dict[str, Score]:
    """Fit every score on the users with enough behaviour."""
    scaling = estimator.scaling_
    learned = users.counts[users.events >= min_events]
    dense = scaling.apply(learned).toarray()
    pcas = {n: PCA(min(n, dense.shape[1] - 1), svd_solver="covariance_eigh").fit(dense) for n in COMPONENTS}
    raw, scaled = (
        IsolationForest(n_estimators=TREES, random_state=seed).fit(rows) for rows in (learned, scaling.apply(learned))
    )

    def error(owners: Owners) -> Floats:
        return rebuild_errors(estimator, owners.counts)

    def fvu(owners: Owners) -> Floats:
        deviation = np.linalg.norm(scaling.apply(owners.counts).toarray() - estimator.mean_, axis=1)
        return np.asarray(error(owners) ** 2 / deviation**2)

    def pca_error(fitted: PCA) -> Score:
        def of(owners: Owners) -> Floats:
            rows = scaling.apply(owners.counts).toarray()
            return np.asarray(np.linalg.norm(rows - fitted.inverse_transform(fitted.transform(rows)), axis=1))

        return of

    def forest(fitted: IsolationForest, prepared: Callable[[sp.csr_matrix], sp.csr_matrix]) -> Score:
        return lambda owners: np.asarray(-fitted.score_samples(prepared(owners.counts)))

    def kinds(owners: Owners) -> Floats:
        return owners.counts.getnnz(axis=1).astype(np.float64)

    def given_events(score: Score) -> Score:
        judged = users.events >= min_events
        scale = PeerScale.fit(score(users)[judged], users.events[judged])
        return lambda owners: scale.score(score(owners), owners.events)

    forests = {"raw counts": forest(raw, lambda rows: rows), "scaled counts": forest(scaled, scaling.apply)}
    return {
        OURS: given_events(error),
        "reconstruction error": error,
        "FVU of the user": fvu,
        **{
            f"error of PCA, {n} components, given events": given_events(pca_error(fitted)) for n, fitted in pcas.items()
        },
        **{f"Isolation Forest, {name}": score for name, score in forests.items()},
        **{f"Isolation Forest, {name}, given events": given_events(score) for name, score in forests.items()},
        "kinds of behaviour": kinds,
        "kinds of behaviour, given events": given_events(kinds),
        "number of events": lambda owners: owners.events,
        "random": lambda owners: np.random.default_rng(seed).random(len(owners.ids)),
    }


def table(scores: dict[str, Floats], is_bot: NDArray[np.bool_], args: argparse.Namespace) -> Iterator[str]:
    """Write all scores as Markdown, best first."""
    n_flags = len(out_of_line(scores[OURS], limit=args.limit, most_share=args.most_share))
    drawn = draws_of(is_bot, args.seed)
    precisions = {name: average_precisions(score, is_bot, drawn) for name, score in scores.items()}
    yield f"| score | AP | precision of {n_flags} | recall of {n_flags} | AP against {OURS} |"
    yield "|---|---|---|---|---|"
    for name, found in sorted(precisions.items(), key=lambda one: -one[1][0]):
        flagged = [is_bot[of_draw][_first(scores[name][of_draw], n_flags)] for of_draw in drawn]
        hits = np.array([one.sum() for one in flagged])
        bots = np.array([is_bot[of_draw].sum() for of_draw in drawn])
        against = "" if name == OURS else _interval(found - precisions[OURS], "+.3f")
        cells = (name, _interval(found), _interval(hits / n_flags, ".2f"), _interval(hits / bots, ".2f"), against)
        yield f"| {' | '.join(cells)} |"


def draws_of(is_bot: NDArray[np.bool_], seed: int) -> list[NDArray[np.intp]]:
    """Give all rows, then draws of as many with replacement."""
    rng, n = np.random.default_rng(seed), len(is_bot)
    return [np.arange(n), *(rng.integers(n, size=n) for _ in range(DRAWS))]


def average_precisions(score: Floats, is_bot: NDArray[np.bool_], drawn: list[NDArray[np.intp]]) -> Floats:
    """Give the average precision of each draw; whoever is not judged comes last."""
    ranked = np.nan_to_num(score, nan=np.nanmin(score) - 1)
    return np.array([average_precision_score(is_bot[rows], ranked[rows]) for rows in drawn])


def _first(score: Floats, n: int) -> NDArray[np.intp]:
    return np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")[:n]


def _interval(values: Floats, form: str = ".3f") -> str:
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return f"{values[0]:{form}} ({low:{form}} to {high:{form}})"


if __name__ == "__main__":
    main()
