"""A scorer's cold start, in a process that has nothing loaded: ``python -m models.cold_start DIR ROW [ENGINE]``.

``ROW`` is a raw feature row as a JSON object; without ``ENGINE``, the bundle's own one serves. Nothing is imported
above that the scorer would have to import itself.
"""

from __future__ import annotations

import sys
from time import perf_counter


def main(folder: str, row: str, engine: str | None = None) -> dict[str, float | int | None]:
    """Import the scorer, load a bundle and score one row.

    Returns
    -------
    dict
        ``load_ms`` and ``cold_first_score_ms``, from the start of the import to a loaded scorer, and to the first
        probability; ``peak_rss_bytes``, and ``peak_rss_over_numpy_bytes``, what of it came after Python and numpy.
    """
    started = perf_counter()
    import numpy  # noqa: F401

    bare = peak_rss_bytes()
    from models.serving import Scorer

    scorer = Scorer.load(folder, engine=engine)
    load = perf_counter() - started
    import json

    raw = json.loads(row)
    asked = perf_counter()
    scorer.score_one(raw)
    first = perf_counter() - asked
    peak = peak_rss_bytes()
    return {
        "load_ms": load * 1000,
        "cold_first_score_ms": (load + first) * 1000,
        "peak_rss_bytes": peak,
        "peak_rss_over_numpy_bytes": peak - bare if peak is not None and bare is not None else None,
    }


def peak_rss_bytes() -> int | None:
    """Give the most memory that this program held; None where the system is not Linux.

    ``getrusage`` would count the process that started this one: Linux hands its peak on through ``exec``.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            line = next((line for line in status if line.startswith("VmHWM:")), None)
    except OSError:
        return None
    return int(line.split()[1]) * 1024 if line else None


if __name__ == "__main__":
    found = main(*sys.argv[1:])
    import json

    print(json.dumps(found))
