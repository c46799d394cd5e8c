"""Compare user embeddings by what they are worth to a click model, at equal bytes a user.

Data: a lake that the pipeline has finished for --ds. Weights are fitted on what was known before the first midnight of
the validation part; a send's code is encoded from what its user had done as of the midnight that served the send (see
tests/benchmarks/embeddings/data.py). Clicks are predicted by the product's LightGBM: fitted on the training part,
stopped on the validation part. Settings are chosen by validation log-loss among those whose codes fit the bytes; the
table shows the hold-out, which nothing was chosen by, of the lakes of --report where there are any. Intervals are of
the paired difference, by users drawn with replacement; seeds (of embedding and trees) are averaged before. Encoding is
timed on one thread. On a simulated lake, a row shows the true interests in place of a code: they hold all that the
simulator knows of what a user likes, and nothing of how much a user clicks.

By default a row's features are those of the send and of its campaign, so that all that is known of the user is in the
code; with --all-features the product's own features of user and device come along, and codes can only add to them.

--output keeps what was collected and every finished measurement; the same command again goes on where it stopped.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from tests.benchmarks.embeddings.cells import Bench
from tests.benchmarks.embeddings.comparison import Choice, Comparison
from tests.benchmarks.embeddings.data import FILES, load
from tests.benchmarks.embeddings.downstream import Downstream
from tests.benchmarks.embeddings.grid import NONE, RIVALS, THE_DEFAULT, TRUTH, VARIANTS, Method
from tests.benchmarks.embeddings.table import markdown

SIZE, OTHER_SIZES, DEFAULT_SIZE, BEST = 32, (16, 64, 128), 16, 4
SVD = "TruncatedSVD, fp16"


def arg_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.embeddings", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="the lake that settings are chosen on; only read")
    parser.add_argument(
        "--ds", required=True, type=date.fromisoformat, help="a day that the pipeline has finished, YYYY-MM-DD"
    )
    parser.add_argument(
        "--report", action="append", default=[], metavar="ROOT", help="a lake to report on, of the same day; repeatable"
    )
    parser.add_argument("--output", required=True, type=Path, help="folder for what is measured, by lake; one a day")
    parser.add_argument("--all-features", action="store_true", help="the product's user and device features as well")
    parser.add_argument("--seeds", type=int, help="default: 3; 1 with --quick")
    parser.add_argument("--choosing-seeds", type=int, default=1, help="seeds whose mean chooses the settings")
    parser.add_argument("--threads", type=int, default=2, help="of LightGBM")
    parser.add_argument("--processes", type=int, default=1, help="measurements at a time")
    parser.add_argument("--quick", action="store_true", help="32 and 16 bytes, two settings a method")
    return parser


def main() -> None:
    args = arg_parser().parse_args()
    benches = [_bench(args, root) for root in (args.root, *args.report)]
    seeds = args.seeds or (1 if args.quick else 3)
    comparison = Comparison(
        benches[0], benches[1:] or benches, seeds, args.choosing_seeds, quick=args.quick, processes=args.processes
    )
    choices = _choices(comparison, truth=all(bench.data.interests is not None for bench in benches))
    entries = comparison.report(choices)
    _print_sizes(comparison)
    svds = {choice.size: entry for choice, entry in zip(choices, entries, strict=True) if choice.method.name == SVD}
    print(markdown(entries, entries[0], svds, comparison.holdout))
    print("\nChosen, by validation log-loss:\n")
    for choice in sorted(choices, key=lambda choice: choice.validation):
        print(f"- {choice.method.name}, {choice.size} bytes: {choice.validation:.5f} {dict(choice.settings)}")


def _choices(comparison: Comparison, *, truth: bool) -> list[Choice]:
    """Choose at one size, then the best variants and all rivals at the others; without codes comes first."""
    known = comparison.choose([(NONE, 0), *([(TRUTH, 0)] if truth else []), (THE_DEFAULT, DEFAULT_SIZE)])
    at_size = comparison.choose([(method, SIZE) for method in (*RIVALS, *VARIANTS)])
    best = _best_variants(at_size)
    sizes = OTHER_SIZES[: 1 if comparison.quick else None]
    return known + at_size + comparison.choose([(method, size) for size in sizes for method in (*RIVALS, *best)])


def _best_variants(choices: list[Choice]) -> list[Method]:
    variants = [choice for choice in choices if choice.method in VARIANTS]
    return [choice.method for choice in sorted(variants, key=lambda choice: choice.validation)[:BEST]]


def _print_sizes(comparison: Comparison) -> None:
    for bench in comparison.reporting:
        sends = ", ".join(f"{len(part.label):,} {name}" for name, part in bench.downstream.parts.items())
        print(f"{bench.data.learn.shape[0]:,} users x {bench.data.learn.shape[1]} tokens; sends: {sends}")
    print(f"{comparison.seeds} seed(s)\n")


def _bench(args: argparse.Namespace, root: str) -> Bench:
    folder = args.output / Path(root).name
    if not all((folder / "data" / name).exists() for name in FILES):
        from tests.benchmarks.embeddings.collect import collect_from

        collect_from(root, args.ds, folder / "data")
    data = load(folder / "data")
    downstream = Downstream(data, all_features=args.all_features, n_threads=args.threads)
    return Bench(data, downstream, folder / ("all_features" if args.all_features else "send_and_campaign"))


if __name__ == "__main__":
    main()
