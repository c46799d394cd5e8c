"""How much of what users did their codes tell, in one scale: each method with the settings that rebuild best.

Settings are those of the comparison, tried on users who are held out; the table has, for each method and size, the
settings with the lowest FVU on half of the held-out users, and what they leave unexplained on the other half. One scale
for all: log1p counts over a token's deviation, or the root mean square of all deviations where that is more. Clicks
play no part.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from models.autoencoder.scaling import CountScaling, fit_scaling
from tests.benchmarks.embeddings.cells import HELD_OUT_SHARE
from tests.benchmarks.embeddings.data import load
from tests.benchmarks.embeddings.grid import RIVALS, VARIANTS, Method, Settings
from tests.benchmarks.embeddings.rivals import Embedding

NAMES = ("TopK", "BatchTopK", "TruncatedSVD, fp16", "PCA, int8", "NMF, fp16")
SIZES = (32, 64)


class Rebuilt(NamedTuple):
    """The best settings of a method at a size."""

    method: str
    size: int
    bytes_per_user: float
    chosen_by: float
    fvu: float
    dead: float | None
    settings: Settings


def fvu_in(scaling: CountScaling, embedding: Embedding, counts: sp.csr_matrix) -> float:
    """Give the share of variance that codes leave unexplained, in a scale that need not be the embedding's own."""
    rows = scaling.apply(counts).toarray()
    errors = np.square(rows - embedding.rebuilt(counts) / scaling.scale).sum(dtype=np.float64)
    return float(errors / np.square(rows - scaling.mean).sum(dtype=np.float64))


def best_of(method: Method, size: int, learn: sp.csr_matrix, halves: Sequence[sp.csr_matrix], seed: int) -> Rebuilt:
    """Try all settings of a method whose codes fit."""
    scaling = fit_scaling(learn, floor=1.0, cap=10.0)
    tried = []
    for settings in method.settings(size):
        embedding = method.fit(learn, size, seed, **settings)
        codes = embedding.encode(sp.vstack(halves, format="csr"))
        one, other = (fvu_in(scaling, embedding, half) for half in halves)
        stored = embedding.bytes_per_user(codes)
        if stored <= size:
            tried.append(Rebuilt(method.name, size, stored, one, other, embedding.dead_fraction(codes), settings))
    return min(tried, key=lambda one: one.chosen_by)


def table(found: Sequence[Rebuilt]) -> Iterator[str]:
    """Write all as Markdown, best first within a size."""
    yield "| method | bytes | FVU | dead | settings |"
    yield "|---|---|---|---|---|"
    for one in sorted(found, key=lambda one: (one.size, one.fvu)):
        dead = "-" if one.dead is None else f"{one.dead:.1%}"
        settings = ", ".join(f"{name}={value}" for name, value in one.settings.items())
        yield f"| {one.method} | {one.bytes_per_user:.1f} of {one.size} | {one.fvu:.3f} | {dead} | {settings} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.embeddings.reconstruction", description=__doc__)
    parser.add_argument("--data", required=True, type=Path, help="what the comparison collected: OUTPUT/LAKE/data")
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--methods", nargs="+", default=NAMES, metavar="NAME")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    users = load(args.data).learn
    order = np.random.default_rng(0).permutation(users.shape[0])
    n_held_out = int(len(order) * HELD_OUT_SHARE)
    halves = [users[half] for half in np.array_split(order[:n_held_out], 2)]
    methods = [method for method in (*VARIANTS, *RIVALS) if method.name in args.methods]
    found = [
        best_of(method, size, users[order[n_held_out:]], halves, args.seed) for size in args.sizes for method in methods
    ]
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
