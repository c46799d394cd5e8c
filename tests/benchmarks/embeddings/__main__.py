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

--output keeps what was collected and every finished measurement; the same command again goes on where it stopped, and
so does one with more seeds or sizes. --finished measures nothing and prints the table of what there is. Each run leaves
the table there as comparison.md, and as comparison.json for the report (report_models --embedding-comparison).

FVU is in the scale that an embedding was learned in, which its floor decides; two floors do not compare, and
`reconstruction.py` beside this one holds all in one scale. Times are of one processor, so that what else the machine
does is not in them. Seeds are held against each other too: the share of latents that another seed finds as well (cosine
of at least 0.7), and linear CKA of held-out users' codes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from jobs.report.comparison_measures import EmbeddingComparison
from jobs.report.embedding_comparison import SVD
from tests.benchmarks.embeddings.cells import Bench
from tests.benchmarks.embeddings.comparison import Choice, Comparison
from tests.benchmarks.embeddings.data import FILES, load
from tests.benchmarks.embeddings.downstream import Downstream
from tests.benchmarks.embeddings.figures import figures_of
from tests.benchmarks.embeddings.grid import (
    DEFAULT_SIZE,
    ITS_KIND,
    NONE,
    QUICK_SETTINGS,
    RIVALS,
    THE_DEFAULT,
    TRUTH,
    VARIANTS,
    Method,
)
from tests.benchmarks.embeddings.promises import promises
from tests.benchmarks.embeddings.table import markdown

SIZE, OTHER_SIZES, BEST = 32, (16, 64, 128), 4
KIND_SIZES = (16, 32, 64)
QUICK_SIZES = (32, 16)


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
    parser.add_argument(
        "--method", action="append", metavar="NAME", help="only this method of the grid; repeatable (default: all)"
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", choices=(SIZE, *OTHER_SIZES), help="bytes a user besides 32 (default: all)"
    )
    parser.add_argument("--finished", action="store_true", help="only the table of what is finished already")
    return parser


def main() -> None:
    args = arg_parser().parse_args()
    benches = [_bench(args, root) for root in (args.root, *args.report)]
    seeds = args.seeds or (1 if args.quick else 3)
    comparison = Comparison(
        benches[0],
        benches[1:] or benches,
        seeds,
        args.choosing_seeds,
        quick=args.quick,
        processes=args.processes,
        only_finished=args.finished,
    )
    choices = _choices(comparison, args, truth=all(bench.data.interests is not None for bench in benches))
    found = _compared(comparison, choices, args)
    kept = [f"- {one}" for one in promises(found)]
    text = "\n".join([markdown(found), "", *kept, "", "Chosen, by validation log-loss:", "", *_chosen(choices)])
    print(text)
    (args.output / "comparison.md").write_text(f"{text}\n")
    (args.output / "comparison.json").write_text(f"{found.model_dump_json(indent=1)}\n")


def _choices(comparison: Comparison, args: argparse.Namespace, *, truth: bool) -> list[Choice]:
    """Choose at one size, then the best variants and all rivals at the others; without codes comes first."""
    rivals, variants = ([one for one in of if one.name in (args.method or [one.name])] for of in (RIVALS, VARIANTS))
    sizes = (SIZE, *(size for size in OTHER_SIZES if size in _sizes(args)))
    kinds = [(ITS_KIND, size) for size in KIND_SIZES if size in sizes and size != DEFAULT_SIZE]
    known = comparison.choose([(NONE, 0), *([(TRUTH, 0)] if truth else []), (THE_DEFAULT, DEFAULT_SIZE), *kinds])
    at_size = comparison.choose([(method, SIZE) for method in (*rivals, *variants)])
    best = _best_variants(at_size)
    return known + at_size + comparison.choose([(method, size) for size in sizes[1:] for method in (*rivals, *best)])


def _best_variants(choices: list[Choice]) -> list[Method]:
    variants = [choice for choice in choices if choice.method in VARIANTS]
    return [choice.method for choice in sorted(variants, key=lambda choice: choice.validation)[:BEST]]


def _compared(comparison: Comparison, choices: list[Choice], args: argparse.Namespace) -> EmbeddingComparison:
    reported = comparison.finished(choices) if args.finished else choices
    entries = comparison.report(reported)
    of = {(choice.method.name, choice.size): entry for choice, entry in zip(reported, entries, strict=True)}
    svds = {size: entry for (name, size), entry in of.items() if name == SVD}
    missing = [f"{size} bytes" for size in OTHER_SIZES if size not in _sizes(args)]
    if args.quick:
        missing.append(f"more than {QUICK_SETTINGS} settings a method")
    return EmbeddingComparison(
        ds=str(args.ds),
        lakes=tuple(Path(root).name for root in args.report or [args.root]),
        users=sum(bench.data.learn.shape[0] for bench in comparison.reporting),
        sends=len(comparison.holdout.label),
        seeds=comparison.seeds,
        all_features=args.all_features,
        embeddings=figures_of(entries, of.get((NONE.name, 0)), svds, comparison.holdout),
        not_measured=(*missing, *comparison.left_out),
    )


def _sizes(args: argparse.Namespace) -> Sequence[int]:
    return args.sizes or (QUICK_SIZES if args.quick else OTHER_SIZES)


def _chosen(choices: list[Choice]) -> list[str]:
    return [
        f"- {choice.method.name}, {choice.size} bytes: {choice.validation:.5f} {dict(choice.settings)}"
        for choice in sorted(choices, key=lambda choice: choice.validation)
    ]


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
