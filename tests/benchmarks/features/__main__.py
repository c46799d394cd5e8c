"""How long a night takes as the log grows, and beside rebuilding the same histories from all raw events.

Logs of the same volume a day are written once below --output; a night's time over the longest and the shortest is what
carried state is for. Then the longest log: its night beside plain Spark SQL and DuckDB that read all events, with as
many threads and make every column of the histories and priors; every row that the night asked for is compared with
DuckDB's.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median

from pyspark.sql import functions as F

from jobs.cli import at_least
from jobs.session import make_session
from models.machine import describe_machine
from tests.benchmarks.features import compared, nightly, rebuild
from tests.benchmarks.features.logs import LogSize
from tests.benchmarks.features.nightly import DS
from tests.benchmarks.features.promises import NIGHT_BY_REBUILD, verdict

MASTER = f"spark.master=local[{rebuild.THREADS}]"


def arg_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.features", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", required=True, type=Path, help="folder for the logs; those that are there are used")
    parser.add_argument("--days", type=at_least(60), nargs="+", default=[95, 180, 365])
    parser.add_argument("--sends-a-day", type=at_least(100), default=14_000)
    parser.add_argument("--users", type=at_least(100), default=50_000)
    parser.add_argument("--runs", type=at_least(1), default=5, help="warm nights of each length")
    return parser


def main() -> None:
    args = arg_parser().parse_args()
    spark = make_session("bench-features", [MASTER, "spark.driver.memory=8g"])
    sizes = [LogSize(days, args.sends_a_day, args.users) for days in sorted(args.days)]
    lengths = nightly.compare(spark, args.output.absolute(), sizes, args.runs)
    print(f"\n{describe_machine()}\n\n{nightly.table(lengths)}\n")
    longest = lengths[-1]
    contest = list(rebuild.timed(spark, longest.lake, args.runs))
    night = median(longest.seconds)
    print(f"| {longest.size.sends:,} sends, {longest.size.days} days | median s | the night takes |\n|---|--:|--:|")
    of_rebuild = {name: median(one[name] for one in contest) for name in contest[0]}
    for name, seconds in of_rebuild.items():
        print(f"| rebuilt by {name} | {seconds:.1f} | {night / seconds:.2f} of it |")
    print()
    for name, seconds in of_rebuild.items():
        print(verdict(f"night by {name}'s rebuild", night / seconds, NIGHT_BY_REBUILD[name], longest.size.sends))
    folder = args.output.absolute() / "rebuilt"
    folder.mkdir(exist_ok=True)
    rebuild.by_duckdb(rebuild.raw_files(longest.lake), folder)
    of_night = F.col("as_of") == F.lit(rebuild.MIDNIGHT)
    print(f"\nrows that differ from DuckDB's: {compared.differences(longest.lake, folder, DS, DS, of_night)}")
    print(compared.left_out(compared.not_rebuilt(longest.lake, folder)))
    spark.stop()


if __name__ == "__main__":
    main()
