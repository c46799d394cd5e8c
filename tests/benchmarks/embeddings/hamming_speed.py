"""How long a Hamming search takes among many users, and what it holds in memory; generated bits.

Times of one thread: the scan, and the choice of the nearest 8,000 of those who may be found.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from models.hamming_search import hamming_distances, nearest

TURNS, NEAREST = 7, 8_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.embeddings.hamming_speed", description=__doc__)
    parser.add_argument("--users", type=int, default=10_000_000)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    print("| bits | memory, MB | scan, ms | choice, ms | users/s |\n|---|---|---|---|---|")
    for bits in (64, 128):
        codes = rng.integers(0, 2**64, (args.users, bits // 64), dtype=np.uint64)
        eligible = rng.random(args.users) < 0.9
        with threadpool_limits(limits=1):
            scan, choice = map(median, zip(*(_times(codes, eligible) for _ in range(TURNS)), strict=True))
        rate = args.users / (scan + choice)
        print(f"| {bits} | {codes.nbytes / 1e6:,.0f} | {1e3 * scan:.0f} | {1e3 * choice:.0f} | {rate:,.0f} |")


def _times(codes: np.ndarray, eligible: np.ndarray) -> tuple[float, float]:
    started = perf_counter()
    distances = hamming_distances(codes, codes[0])
    scanned = perf_counter()
    nearest(distances, eligible, NEAREST)
    return scanned - started, perf_counter() - scanned


if __name__ == "__main__":
    main()
