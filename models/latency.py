"""Single-row latency and batch throughput of scorers, side by side in one process."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter, perf_counter_ns
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.batch import ArrayBatch, take
from models.serving import Scorer
from models.serving.types import RawRow

CLOCK_READINGS = 10_000
WARM_UP_ROWS = 200
ROUNDS = 3
"""How often each row is timed: percentiles are of every timing, pauses that another process forced among them."""
ENGINE_STEP = 3
"""The engine, which is a part of what is timed anyway, is timed apart on every third row."""
PERCENTILES = (50, 95, 99)

COLD_ROWS = 200
"""Rows that are timed with cold caches as well, spread over all: each costs milliseconds."""
EMPTYING_BYTES = 48 * 2**20
"""What is written to memory to empty the caches of a processor: more than the largest holds on most servers."""

BATCH_SIZES = (1, 100, 10_000)
BATCH_ROWS, LEAST_BATCHES, MOST_BATCHES = 10_000, 3, 30
"""As many batches of each size are timed as make so many rows, but within these two; the median counts."""

Name = TypeVar("Name", bound=Hashable)
Calls: TypeAlias = Mapping[Name, tuple[Callable[[Any], float], Sequence[Any]]]


@dataclass(frozen=True)
class Timed:
    """A scorer and the rows it is timed on."""

    scorer: Scorer
    rows: Sequence[RawRow]
    """Distinct raw rows."""


def latency_us(scorers: Mapping[Name, Timed], *, cold_rows: int = COLD_ROWS) -> dict[Name, dict[str, float]]:
    """Time every scorer on every row, from raw row to calibrated probability.

    Scorers take turns row by row, and start in turn, so that all of them meet the same noise and the same
    cold caches. The clock's own overhead (its median) is taken off.

    Parameters
    ----------
    scorers : mapping
        Name -> scorer and its rows; all of them are timed on as many rows as the shortest has.
    cold_rows : int
        How many of them, spread evenly, are timed once more, each after the processor's caches were emptied.

    Returns
    -------
    dict
        Name -> ``p50``, ``p95`` and ``p99`` of all timings, the same with ``engine_`` before (from encoded row to
        uncalibrated probability; see `ENGINE_STEP`) and with ``cold_`` before (caches emptied), and
        ``p99_of_row_medians``, without what befell a row only once, all in microseconds; ``n``, the number of rows,
        ``n_timings``, `ROUNDS` for each, and ``cold_n``, one timing each.
    """
    n = min(len(timed.rows) for timed in scorers.values())
    raw = {name: (timed.scorer.score_one, timed.rows) for name, timed in scorers.items()}
    whole = _take_turns(raw, n)
    encoded = {
        name: [timed.scorer.encoder.encode_one(row) for row in timed.rows[:n:ENGINE_STEP]]
        for name, timed in scorers.items()
    }
    calls = {name: (timed.scorer.engine.predict_one, encoded[name]) for name, timed in scorers.items()}
    engine = _take_turns(calls, len(range(0, n, ENGINE_STEP)))
    cold = _with_cold_caches(raw, n, cold_rows)
    return {
        name: {
            **_percentiles(whole[name]),
            **_percentiles(engine[name], "engine_"),
            **(_percentiles(cold[name], "cold_") if cold_rows else {}),
            "p99_of_row_medians": _microseconds(np.percentile(np.median(whole[name], axis=0), 99)),
            "n": n,
            "n_timings": whole[name].size,
            "cold_n": cold[name].size,
        }
        for name in scorers
    }


def batch_rows_per_s(scorer: Scorer, batch: ArrayBatch, *, sizes: Sequence[int] = BATCH_SIZES) -> dict[int, float]:
    """Give the rows that a scorer scores in a second, by the size of a batch, smallest first.

    Parameters
    ----------
    scorer : Scorer
        What to time.
    batch : ArrayBatch
        Rows to make batches of; a size beyond their number becomes that number.
    sizes : sequence of int
        Rows of a batch.
    """
    held = len(next(iter(batch.values())))
    return {size: size / _batch_seconds(scorer, batch, held, size) for size in sorted({min(s, held) for s in sizes})}


def _batch_seconds(scorer: Scorer, batch: ArrayBatch, held: int, size: int) -> float:
    seconds = []
    for turn in range(min(max(LEAST_BATCHES, BATCH_ROWS // size), MOST_BATCHES)):
        some = take(batch, np.arange(turn * size, (turn + 1) * size) % held)
        started = perf_counter()
        scorer.score(some)
        seconds.append(perf_counter() - started)
    return median(seconds)


def _take_turns(calls: Calls[Name], n: int) -> dict[Name, NDArray[np.float64]]:
    """Give the nanoseconds of each call on each of the first ``n`` rows, of shape (ROUNDS, n)."""
    for call, rows in calls.values():
        for row in rows[:WARM_UP_ROWS]:
            call(row)
    gc.collect()
    gc.freeze()  # rows that lie here for the measurement are not the scorer's garbage
    rounds = [_one_round(calls, n) for _ in range(ROUNDS)]
    gc.unfreeze()
    overhead = _clock_overhead_ns()
    return {name: np.maximum(np.stack([taken[name] for taken in rounds]) - overhead, 0) for name in calls}


def _one_round(calls: Calls[Name], n: int) -> dict[Name, NDArray[np.float64]]:
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


def _with_cold_caches(calls: Calls[Name], n: int, cold_rows: int) -> dict[Name, NDArray[np.float64]]:
    """Give the nanoseconds of each call on some of the first ``n`` rows, after other memory went through the caches."""
    chosen = np.unique(np.linspace(0, n - 1, min(n, cold_rows)).astype(np.int64))
    other_memory = np.zeros(EMPTYING_BYTES // 8)
    taken = {name: np.empty(len(chosen)) for name in calls}
    for turn, index in enumerate(chosen):
        for name, (call, rows) in calls.items():
            row = rows[index]
            np.add(other_memory, 1, out=other_memory)
            started = perf_counter_ns()
            call(row)
            taken[name][turn] = perf_counter_ns() - started
    overhead = _clock_overhead_ns()
    return {name: np.maximum(nanoseconds - overhead, 0) for name, nanoseconds in taken.items()}


def _clock_overhead_ns() -> float:
    readings = np.empty(CLOCK_READINGS)
    for index in range(CLOCK_READINGS):
        started = perf_counter_ns()
        readings[index] = perf_counter_ns() - started
    return float(np.median(readings))


def _percentiles(nanoseconds: NDArray[np.float64], prefix: str = "") -> dict[str, float]:
    found = np.percentile(nanoseconds, PERCENTILES)
    return {f"{prefix}p{at}": _microseconds(value) for at, value in zip(PERCENTILES, found, strict=True)}


def _microseconds(nanoseconds: float) -> float:
    return round(float(nanoseconds) / 1000, 3)
