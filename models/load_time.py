"""Time to load a bundle in a process that has nothing loaded: ``python -m models.load_time DIR``."""

from __future__ import annotations

import sys
from time import perf_counter


def main(folder: str) -> float:
    """Give the milliseconds of importing the scorer and loading the bundle."""
    started = perf_counter()
    from models.serving import Scorer

    Scorer.load(folder)
    return (perf_counter() - started) * 1000


if __name__ == "__main__":
    print(main(sys.argv[1]))
