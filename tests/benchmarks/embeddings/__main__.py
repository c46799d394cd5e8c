"""Compare user embeddings by what they are worth to a click model, at equal bytes a user.

Data: a lake that the pipeline has finished for --ds. Weights are fitted on what was known before the first midnight of
the validation part; a send's code is encoded from what its user had done as of the midnight that served the send (see
tests/benchmarks/embeddings/data.py). Clicks are predicted by the product's LightGBM: fitted on the training part,
stopped on the validation part. Settings are chosen by validation log-loss among those whose codes fit the bytes; the
table shows the hold-out, which nothing was chosen by. Intervals are of the paired log-loss difference, by users drawn
with replacement; seeds (of embedding and trees) are averaged before. Encoding is timed on one thread. On a simulated
lake, a row shows the true interests in place of a code: they hold all that the simulator knows of what a user likes,
and nothing of how much a user clicks.

By default a row's features are those of the send and of its campaign, so that all that is known of the user is in the
code; with --all-features the product's own features of user and device come along, and codes can only add to them.

--output keeps what was collected and every finished measurement; the same command again goes on where it stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jobs.cli import at_least, iso_day
from tests.benchmarks.embeddings.cells import Bench
from tests.benchmarks.embeddings.data import FILES, collect, load
from tests.benchmarks.embeddings.downstream import Downstream
from tests.benchmarks.embeddings.grid import DEFAULT, QUICK_SETTINGS, RIVALS, THE_DEFAULT, VARIANTS, Method
from tests.benchmarks.embeddings.table import Entry, markdown

SIZE, OTHER_SIZES, DEFAULT_SIZE, BEST = 32, (16, 64, 128), 16, 4
NONE, TRUTH, SVD = "none", "the true interests", "TruncatedSVD, fp16"


def arg_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.embeddings", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="the lake; only read")
    parser.add_argument("--ds", required=True, type=iso_day, help="a day that the pipeline has finished, YYYY-MM-DD")
    parser.add_argument("--output", required=True, type=Path, help="folder for what is measured; one a lake and day")
    parser.add_argument("--all-features", action="store_true", help="the product's user and device features as well")
    parser.add_argument("--seeds", type=at_least(1), help="default: 3; 1 with --quick")
    parser.add_argument("--threads", type=at_least(1), default=2, help="of LightGBM")
    parser.add_argument("--quick", action="store_true", help="32 and 16 bytes, two settings a method")
    return parser


def main() -> None:
    args = arg_parser().parse_args()
    folder = args.output / "data"
    if not all((folder / name).exists() for name in FILES):
        _collect(args, folder)
    data = load(folder)
    downstream = Downstream(data, all_features=args.all_features, n_threads=args.threads)
    bench = Bench(data, downstream, args.output / ("all_features" if args.all_features else "send_and_campaign"))
    comparison = Comparison(bench, seeds=args.seeds or (1 if args.quick else 3), quick=args.quick)
    entries = [comparison.plain(NONE, None), comparison.chosen(THE_DEFAULT, DEFAULT_SIZE)]
    if data.interests is not None:
        entries.append(comparison.plain(TRUTH, data.interests))
    at_size = comparison.all_at(SIZE, [*RIVALS, *VARIANTS])
    entries += at_size.values()
    best = sorted(set(at_size) - {method.name for method in RIVALS}, key=lambda name: validation(at_size[name]))
    again = [*RIVALS, *(method for method in VARIANTS if method.name in best[:BEST])]
    for size in OTHER_SIZES[: 1 if args.quick else None]:
        entries += comparison.all_at(size, again).values()
    sends = ", ".join(f"{len(part.label):,} {name}" for name, part in downstream.parts.items())
    print(f"{data.learn.shape[0]:,} users x {data.learn.shape[1]} tokens; sends: {sends}; {comparison.seeds} seed(s)\n")
    print(markdown(entries, entries[0], at_size.get(SVD), downstream.parts["holdout"].user))
    print(f"\nBest on validation at {SIZE} bytes, and {DEFAULT} at {DEFAULT_SIZE}:\n")
    for entry in sorted([entries[1], *at_size.values()], key=validation):
        print(f"- {entry.results[0]['method']}: {validation(entry):.5f} {entry.results[0]['settings']}")


class Comparison:
    """Chooses settings and gathers seeds.

    Parameters
    ----------
    bench : Bench
    seeds : int
        Seeds that a method's chosen settings are measured with; settings are chosen with the first one.
    quick : bool
        Whether only the first settings of each method are tried.
    """

    def __init__(self, bench: Bench, *, seeds: int, quick: bool) -> None:
        self.bench, self.seeds, self.quick = bench, seeds, quick

    def plain(self, name: str, codes: Any) -> Entry:
        """Measure codes that nobody had to learn."""
        return self._entry([self.bench.run_codes(name, codes, seed) for seed in range(self.seeds)])

    def chosen(self, method: Method, size: int) -> Entry | None:
        """Measure a method with its best settings whose codes fit the size; None where none do."""
        settings = method.settings(size)[: QUICK_SETTINGS if self.quick else None]
        tried = [self.bench.run(method, size, one, 0) for one in settings]
        fitting = [one for one in tried if one["bytes"] <= size]
        if not fitting:
            return None
        best = min(fitting, key=lambda one: one["validation_log_loss"])["settings"]
        return self._entry([self.bench.run(method, size, best, seed) for seed in range(self.seeds)])

    def all_at(self, size: int, methods: list[Method]) -> dict[str, Entry]:
        """Measure several methods; those that do not fit the size with any settings are left out, and told."""
        found = {method.name: self.chosen(method, size) for method in methods}
        for name, entry in found.items():
            if entry is None:
                print(f"no settings of {name} fit {size} bytes")
        return {name: entry for name, entry in found.items() if entry}

    def _entry(self, results: list[dict[str, Any]]) -> Entry:
        return Entry(results, self.bench.row_losses(results))


def validation(entry: Entry) -> float:
    return entry.mean("validation_log_loss")


def _collect(args: argparse.Namespace, folder: Path) -> None:
    from jobs.session import make_session

    spark = make_session("bench-embeddings", [])
    try:
        collect(spark, args.root, args.ds, folder)
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
