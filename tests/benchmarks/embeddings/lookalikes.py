"""Measure `find_lookalikes` on a simulated lake, where each user's true interests are known.

For every campaign with at least --min-clickers clickers, users who were not sent it are ranked; relevant are those who
have the campaign's category among their true interests. Recall is hits among the first --top, of --top or of all there
are. Means over campaigns with 95 % intervals by campaigns drawn with replacement; the last column is the paired
difference from the exact search. Every way gets the same direction from the same clickers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.carried import PUSHES
from jobs.embedding import EMBEDDINGS, audience_codes_table
from jobs.lake import Lake
from jobs.lookalike_users import collected_codes
from jobs.session import make_session
from jobs.simulation.catalogue import CATEGORIES
from models.autoencoder.store import verify
from models.hamming_search import hamming_distances
from models.lookalikes import Direction, HashedUsers, UserCodes, direction_of
from models.semantic_hashing import fit_itq, random_planes, unit_rows

EXACT, BITS, DRAWS = "exact cosine", (32, 64, 128), 1000


@dataclass(frozen=True)
class Campaign:
    """Who clicked a campaign, who may be found, and who ought to be; users by their position."""

    clickers: NDArray[np.int64]
    eligible: NDArray[np.bool_]
    relevant: NDArray[np.bool_]


Find = Callable[[Direction, Campaign, int], NDArray[np.int64]]
"""Gives the positions of the first users for a direction, among a campaign's eligible ones."""


def arg_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.embeddings.lookalikes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", required=True, help="a simulated lake with codes of the day's audience; only read")
    parser.add_argument("--ds", required=True, type=date.fromisoformat, help="the day, YYYY-MM-DD")
    parser.add_argument("--top", type=int, default=1000)
    parser.add_argument("--min-clickers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def main() -> None:
    args = arg_parser().parse_args()
    users, campaigns = collected(args)
    recalls = {
        name: np.array([recall(find, users, one, args.top) for one in campaigns])
        for name, find in ways(users, args.seed).items()
    }
    clickers = [len(one.clickers) for one in campaigns]
    print(
        f"\n{len(campaigns)} campaigns of {min(clickers)} to {max(clickers)} clickers, {users.rows.shape[0]:,} users, "
        f"recall among the first {args.top:,}\n"
    )
    print("\n".join(table(recalls, args.seed)))


def collected(args: argparse.Namespace) -> tuple[UserCodes, list[Campaign]]:
    """Read the codes, and who met which campaign, as the job does."""
    spark = make_session("bench-lookalikes")
    try:
        lake = Lake(spark, args.root)
        version = verify(lake.get_folder(EMBEDDINGS, args.ds))["version"]
        names, codes = collected_codes(lake.read(audience_codes_table(version), since=args.ds, until=args.ds))
        audience = lake.read("audience", since=args.ds, until=args.ds).where("left_out IS NULL").select("user_id")
        reachable = {row["user_id"] for row in audience.collect()}
        return UserCodes.of(version, codes), list(_campaigns(lake.read(PUSHES, until=args.ds), names, reachable, args))
    finally:
        spark.stop()


def _campaigns(
    pushes: DataFrame, names: list[str], reachable: set[str], args: argparse.Namespace
) -> Iterator[Campaign]:
    sums = pushes.groupBy("campaign_id", "user_id").agg(
        F.sum("sends").alias("sends"), F.sum("clicks").alias("clicks"), F.max("category").alias("category")
    )
    truth = pq.read_table(f"{args.root}/simulated_logs/true_interests", columns=["user_id", "interests"])
    interests = dict(zip(truth["user_id"].to_pylist(), truth["interests"].to_pylist(), strict=True))
    place = {name: i for i, name in enumerate(names)}
    may = np.array([name in reachable for name in names])
    for _, met in sums.toPandas().sort_values(["campaign_id", "user_id"]).groupby("campaign_id"):
        met = met[met["user_id"].isin(place)]
        where = met["user_id"].map(place).to_numpy(dtype=np.int64)
        clickers = np.sort(where[met["clicks"] > 0])
        if len(clickers) < args.min_clickers:
            continue
        eligible = may.copy()
        eligible[where[met["sends"] > 0]] = False
        wanted = CATEGORIES.index(met["category"].dropna().iloc[0])
        yield Campaign(clickers, eligible, np.array([wanted in interests[name] for name in names]))


def ways(users: UserCodes, seed: int) -> dict[str, Find]:
    """Give every way to search."""

    plain = unit_rows(users.rows.sign().multiply(abs(users.rows).sqrt()).tocsr())
    of_all = np.asarray(plain.mean(axis=0)).ravel()

    def exact(direction: Direction, campaign: Campaign, top: int) -> NDArray[np.int64]:
        return _first(-(users.rows @ direction.weights), campaign.eligible, top)

    def exact_plain(_: Direction, campaign: Campaign, top: int) -> NDArray[np.int64]:
        weights = np.asarray(plain[campaign.clickers].mean(axis=0)).ravel() - of_all
        return _first(-(plain @ weights), campaign.eligible, top)

    def chance(_: Direction, campaign: Campaign, top: int) -> NDArray[np.int64]:
        return _first(np.random.default_rng(seed).random(len(campaign.eligible)), campaign.eligible, top)

    def bits_alone(hashed: HashedUsers) -> Find:
        def find(direction: Direction, campaign: Campaign, top: int) -> NDArray[np.int64]:
            query = hashed.hasher.hash_direction(direction.weights)
            return _first(hamming_distances(hashed.packed, query), campaign.eligible, top)

        return find

    def then_exact(hashed: HashedUsers) -> Find:
        return lambda direction, campaign, top: hashed.find(direction, campaign.eligible, top=top)[0]

    found: dict[str, Find] = {EXACT: exact, "exact cosine, no square and no threshold": exact_plain, "random": chance}
    for bits in BITS:
        learned = HashedUsers.of(users, fit_itq(users.rows, bits=bits, seed=seed))
        drawn = HashedUsers.of(users, random_planes(users.rows, bits=bits, seed=seed))
        found[f"find_lookalikes, {bits} bits"] = then_exact(learned)
        found[f"its bits alone, {bits}"] = bits_alone(learned)
        found[f"random hyperplanes alone, {bits}"] = bits_alone(drawn)
    return found


def recall(find: Find, users: UserCodes, campaign: Campaign, top: int) -> float:
    found = find(direction_of(users, campaign.clickers), campaign, top)
    relevant = int((campaign.relevant & campaign.eligible).sum())
    return float(campaign.relevant[found].sum() / min(top, relevant))


def table(recalls: dict[str, NDArray[np.float64]], seed: int) -> Iterator[str]:
    """Write all ways as Markdown, best first."""
    n = len(recalls[EXACT])
    drawn = np.random.default_rng(seed).integers(n, size=(DRAWS, n))
    yield f"| search | recall | against {EXACT} |"
    yield "|---|---|---|"
    for name, found in sorted(recalls.items(), key=lambda one: -one[1].mean()):
        against = "" if name == EXACT else _interval(found - recalls[EXACT], drawn, "+.3f")
        yield f"| {name} | {_interval(found, drawn)} | {against} |"


def _first(cost: NDArray[np.float64], eligible: NDArray[np.bool_], top: int) -> NDArray[np.int64]:
    """Give the cheapest eligible positions; of equals, the first."""
    among = np.flatnonzero(eligible)
    return among[np.argsort(cost[among], kind="stable")[:top]]


def _interval(values: NDArray[np.float64], drawn: NDArray[np.int64], form: str = ".3f") -> str:
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    return f"{values.mean():{form}} ({low:{form}} to {high:{form}})"


if __name__ == "__main__":
    main()
