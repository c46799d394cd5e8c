"""Serving side by side: scikit-learn's default forest, the candidates of a lake in every format, and their bundles.

``python -m tests.benchmarks.models.serving --root LAKE --ds DAY`` prints a Markdown table, and which promises are kept.
Everything runs on one thread, but for fitting the default forest. Contenders take turns row by row, so their ratios can
be trusted more than their times: all of them on some rows, then those of microseconds among themselves on all rows. The
table has the latter of those, because a row of the default forest empties the caches for whoever comes next.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
from threadpoolctl import threadpool_limits

from models.batch import LabelledRows
from models.evaluation import auc, log_loss
from models.latency import PERCENTILES, Timed, latency_us
from models.machine import describe_machine
from models.measure import run_on_one_thread
from models.serving.types import Floats, RawRow
from tests.benchmarks.models.contenders import Contender, default_forest, has_lleaves, of_bundle
from tests.benchmarks.models.lake_files import LakeFiles
from tests.benchmarks.models.targets import Figures, Target, quality_targets, targets

STARTS, SLOW_STARTS = 100, 5
"""Fresh processes of each contender, and of those that take a second."""
SLOW_ROWS = 500
"""Rows that are timed where contenders of milliseconds take part."""
MOST_SPREAD = 0.15
"""How far ratios of latencies may differ from one time to the next."""
BATCH_ROWS, BATCHES = 100_000, 3


@dataclass(frozen=True)
class Cold:
    """Cold starts of one contender."""

    ms: Sequence[float]
    rss: float | None


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, type=Path, help="a local lake where models were measured")
    parser.add_argument("--ds", required=True, help="the day, YYYY-MM-DD")
    parser.add_argument("--rows", type=int, default=10_000, help="rows that are timed one by one")
    parser.add_argument("--cold-rows", type=int, default=10_000, help="rows that are timed with empty caches as well")
    parser.add_argument("--threads", type=int, default=2, help="threads that the default forest is fitted with")
    parser.add_argument("--repeats", type=int, default=3, help="how often latencies are taken anew, to compare ratios")
    parser.add_argument("--promised-auc", type=float, help="of the lake's best candidate on the hold-out")
    parser.add_argument("--promised-log-loss", type=float, help="likewise")
    args = parser.parse_args()
    lake = LakeFiles(args.root, args.ds)
    holdout, raw = lake.holdout(), lake.raw_rows(args.rows)
    with tempfile.TemporaryDirectory() as work:
        contenders = _contenders(lake, Path(work), args.threads)
        with threadpool_limits(1):
            figures = _figures(contenders, holdout, raw, args.cold_rows)
            batches = _batches(contenders, holdout)
            repeats = _repeats([one for one in contenders if not one.slow], raw, args.repeats)
    print(_table(figures, describe_machine()))
    print(batches)
    print(repeats)
    of_log = quality_targets(
        lake.quality(),
        lake.chosen(),
        auc=args.promised_auc,
        log_loss=args.promised_log_loss,
        tolerance=lake.tolerance(),
    )
    print(_verdicts([*_targets(figures, lake.chosen()), *of_log]))


def _contenders(lake: LakeFiles, work: Path, threads: int) -> list[Contender]:
    names = dict.fromkeys(["random_forest", "lightgbm", lake.chosen()])
    fitted_on = lake.fitted_on()
    _say("growing the forest candidate again, not rounded")
    candidates = [one for name in names for one in of_bundle(lake.bundle(name), fitted_on, work, threads=threads)]
    encoder = candidates[0].scorer.encoder
    if not has_lleaves():
        _say("lleaves is not installed: without it")
    _say("fitting scikit-learn's default forest")
    return [default_forest(fitted_on, encoder, work, threads=threads), *candidates]


def _figures(
    contenders: Sequence[Contender], rows: LabelledRows, raw: Sequence[RawRow], cold_rows: int
) -> dict[str, Figures]:
    _say("scoring the hold-out")
    scored = {one.name: one.scorer.score(rows.batch) for one in contenders}
    quality = {name: (auc(p, rows.label), log_loss(p, rows.label)) for name, p in scored.items()}
    _say("timing single rows")
    beside_all = _timed(contenders, raw[:: max(len(raw) // SLOW_ROWS, 1)], cold_rows=20)
    latency = beside_all | _timed([one for one in contenders if not one.slow], raw, cold_rows=cold_rows)
    _say("starting cold")
    cold = _cold(contenders, raw[0])
    first = {one.model: quality[one.name] for one in reversed(contenders)}
    return {
        one.name: Figures(
            one.model,
            one.n_bytes,
            *quality[one.name],
            first[one.model][0] - quality[one.name][0],
            quality[one.name][1] - first[one.model][1],
            latency[one.name],
            beside_all[one.name],
            cold[one.name].ms,
            cold[one.name].rss,
        )
        for one in contenders
    }


def _timed(contenders: Sequence[Contender], rows: Sequence[RawRow], *, cold_rows: int) -> dict[str, dict[str, float]]:
    return latency_us({one.name: Timed(one.scorer, rows) for one in contenders}, cold_rows=cold_rows)


def _repeats(contenders: Sequence[Contender], rows: Sequence[RawRow], n: int) -> str:
    """Take latencies anew; gives a Markdown table of how far ratios of p50 to the first contender's differ."""
    _say(f"timing single rows {n} times more")
    found = [_timed(contenders, rows, cold_rows=0) for _ in range(n)]
    first, *others = (one.name for one in contenders)
    names = ("engine_p50", "p50")
    lines = [
        f"\n| p50 as a multiple of {first}, {n} times over | engine | raw row | they differ by |",
        "|---|---|---|--:|",
    ]
    spreads = []
    for other in others:
        both = [[one[other][name] / one[first][name] for one in found] for name in names]
        spreads.append(max(max(ratios) / min(ratios) - 1 for ratios in both))
        told = " | ".join(", ".join(f"{ratio:.2f}" for ratio in one) for one in both)
        lines.append(f"| {other} | {told} | {spreads[-1]:.0%} |")
    worst = max(spreads)
    verdict = "reached" if worst < MOST_SPREAD else "MISSED"
    return "\n".join(
        [*lines, f"\nratios between engines differ by less than {MOST_SPREAD:.0%}: {worst:.0%}, {verdict}"]
    )


def _batches(contenders: Sequence[Contender], holdout: LabelledRows) -> str:
    """Time the engines on encoded rows; gives a Markdown table."""
    _say("timing batches")
    lines = [f"\n| {BATCH_ROWS:,} encoded rows, engine | CPU us a row |", "|---|--:|"]
    for one in contenders:
        if not one.slow:
            encoded = one.scorer.encoder.encode(holdout.batch)
            rows = encoded[np.arange(BATCH_ROWS) % len(encoded)]
            seconds = median(_cpu_seconds(one, rows) for _ in range(BATCHES))
            lines.append(f"| {one.name} | {seconds / BATCH_ROWS * 1e6:.2f} |")
    return "\n".join(lines)


def _cpu_seconds(one: Contender, rows: Floats) -> float:
    started = process_time()
    one.scorer.engine.predict(rows)
    return process_time() - started


def _cold(contenders: Sequence[Contender], row: RawRow) -> dict[str, Cold]:
    """Start contenders in turn, each in fresh processes."""
    starts: dict[str, list[dict[str, float]]] = {one.name: [] for one in contenders}
    for turn in range(STARTS):
        for one in contenders:
            if turn < SLOW_STARTS or not one.slow:
                starts[one.name].append(_start(one, row))
    return {
        name: Cold([start["cold_first_score_ms"] for start in of_one], of_one[0]["peak_rss_bytes"])
        for name, of_one in starts.items()
    }


def _start(one: Contender, row: RawRow) -> dict[str, float]:
    kind, file = one.start
    if kind == "bundle":
        needed = {name: row[name] for name in one.scorer.encoder.raw_columns}
        asked = ("models.cold_start", file, json.dumps(needed))
    else:
        asked = ("tests.benchmarks.models.cold", kind, file, json.dumps(one.scorer.encoder.encode_one(row).tolist()))
    started: dict[str, float] = json.loads(run_on_one_thread(*asked))
    return started


def _targets(figures: dict[str, Figures], chosen: str) -> list[Target]:
    return targets(
        figures,
        default=next(iter(figures)),
        champion=f"{chosen}: bundle as served",
        forest="random_forest: bundle as served",
        booster="lightgbm: text, Booster.predict",
    )


def _table(figures: dict[str, Figures], machine: dict[str, object]) -> str:
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}; one thread\n",
        "| model, format, engine | bytes | AUC | lost | log-loss | more | engine p50 us | p99 "
        "| raw row p50 us | p95 | p99 | rows timed | caches empty p50 us | p95 | p99 | rows timed "
        "| cold start p50 ms | p95 | p99 | starts | peak MB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in figures.items():
        quality = f"{one.auc:.5f} | {one.auc_lost:.6f} | {one.log_loss:.6f} | {one.log_loss_more:.6f}"
        times = _micros(one, "engine_p50", "engine_p99", "p50", "p95", "p99")
        cold = f"{_micros(one, 'cold_p50', 'cold_p95', 'cold_p99')} | {one.latency['cold_n']:,}"
        starts = " | ".join(f"{at:.0f}" for at in np.percentile(one.cold_ms, PERCENTILES))
        rss = f"{one.rss / 1e6:.0f}" if one.rss else ""
        lines.append(
            f"| {name} | {one.n_bytes:,} | {quality} | {times} | {one.latency['n']:,} | {cold} "
            f"| {starts} | {len(one.cold_ms)} | {rss} |"
        )
    return "\n".join(lines)


def _micros(one: Figures, *names: str) -> str:
    return " | ".join(f"{one.latency[name]:,.1f}" for name in names)


def _verdicts(found: Sequence[Target]) -> str:
    lines = (f"| {one.text} | {one.found} | {'reached' if one.reached else 'MISSED'} |" for one in found)
    return "\n".join(["\n| promise | found | |", "|---|--:|---|", *lines])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
