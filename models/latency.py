"""Single-row latency and batch throughput of scorers, side by side in one process."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter, perf_counter_ns
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.serving import Scorer
from models.serving.types import Batch, RawRow

CLOCK_READINGS = 10_000
WARM_UP_ROWS = 200
ROUNDS = 3
"""How often each row is timed; the median counts, so that a pause that another process forced is left out."""

Calls: TypeAlias = Mapping[str, tuple[Callable[[Any], float], Sequence[Any]]]


@dataclass(frozen=True)
class Timed:
    """A scorer and the rows it is timed on."""

    scorer: Scorer
    rows: Sequence[RawRow]
    """Distinct raw rows."""


def latency_us(scorers: Mapping[str, Timed]) -> dict[str, dict[str, float]]:
    """Time every scorer on every row, from raw row to calibrated probability.

    Scorers take turns row by row, and start in turn, so that all of them meet the same noise and the same
    cold caches. The clock's own overhead (its median) is taken off.

    Parameters
    ----------
    scorers : mapping
        Name -> scorer and its rows; all of them are timed on as many rows as the shortest has.

    Returns
    -------
    dict
        Name -> ``p50`` and ``p99``, ``engine_p50`` and ``engine_p99`` (from encoded row to uncalibrated
        probability), in microseconds, and ``n``, the number of rows.
    """
    n = min(len(timed.rows) for timed in scorers.values())
    encoded = {
        name: [timed.scorer.encoder.encode_one(row) for row in timed.rows[:n]] for name, timed in scorers.items()
    }
    whole = _take_turns({name: (timed.scorer.score_one, timed.rows) for name, timed in scorers.items()}, n)
    engine = _take_turns({name: (timed.scorer.engine.predict_one, encoded[name]) for name, timed in scorers.items()}, n)
    return {name: {**_percentiles(whole[name]), **_percentiles(engine[name], "engine_"), "n": n} for name in scorers}


def batch_rows_per_s(scorer: Scorer, batch: Batch, rows: int, *, repeats: int = 3) -> float:
    """Give the rows that a scorer scores in a second, as one batch; the median of some repeats."""
    seconds = []
    for _ in range(repeats):
        started = perf_counter()
        scorer.score(batch)
        seconds.append(perf_counter() - started)
    return rows / median(seconds)


def _take_turns(calls: Calls, n: int) -> dict[str, NDArray[np.float64]]:
    """Give the nanoseconds of each call on each of the first ``n`` rows."""
    for call, rows in calls.values():
        for row in rows[:WARM_UP_ROWS]:
            call(row)
    gc.collect()
    gc.freeze()  # rows that lie here for the measurement are not the scorer's garbage
    rounds = [_one_round(calls, n) for _ in range(ROUNDS)]
    gc.unfreeze()
    overhead = _clock_overhead_ns()
    return {name: np.maximum(np.median([taken[name] for taken in rounds], axis=0) - overhead, 0) for name in calls}


def _one_round(calls: Calls, n: int) -> dict[str, NDArray[np.float64]]:
    names = list(calls)
    taken = {name: np.empty(n) for name in names}
    for index in range(n):
        for turn in range(len(names)):
            name = names[(index + turn) % len(names)]
            call, rows = calls[name]
            row = rows[index]
            started = perf_counter_ns()
            call(row)
            taken[name][index] = perf_counter_ns() - started
    return taken


def _clock_overhead_ns() -> float:
    readings = np.empty(CLOCK_READINGS)
    for index in range(CLOCK_READINGS):
        started = perf_counter_ns()
        readings[index] = perf_counter_ns() - started
    return float(np.median(readings))


def _percentiles(nanoseconds: NDArray[np.float64], prefix: str = "") -> dict[str, float]:
    p50, p99 = np.percentile(nanoseconds, [50, 99]) / 1000
    return {f"{prefix}p50": round(float(p50), 3), f"{prefix}p99": round(float(p99), 3)}
