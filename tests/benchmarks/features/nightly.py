"""One night (aggregate the day, build its features) over logs of several lengths with the same volume a day.

Old days are carried as folded state, as nights before would have left it, half of a fold's days ago; a log that fits in
the longest window has none. Lengths take turns; the first turn warms the session up and is not counted.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from pyspark.sql import DataFrame, SparkSession

from jobs import aggregate_day, build_features
from jobs.carried import FOLD_DAYS, carried_due, fold_until
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.past import read_past
from jobs.prior_sums import sum_up
from tests.benchmarks.features.logs import LogSize, write_log
from tests.benchmarks.features.promises import NIGHT_BY_LENGTH, verdict

DS = date(2026, 6, 30)


@dataclass
class Length:
    """A log of some length, and how long its nights took."""

    size: LogSize
    lake: Lake
    seconds: list[float] = field(default_factory=list)

    def night(self) -> None:
        """Time a night."""
        start = time.monotonic()
        run_jobs(self.lake, DS)
        self.seconds.append(time.monotonic() - start)

    def files(self) -> int:
        """Count the files that the night's features are read from."""
        past = read_past(self.lake, read_note(self.lake, DS), DS, as_of=DS - timedelta(days=1))
        frames = [*vars(past).values(), *past.old_pushes.values()]
        return sum(len(frame.inputFiles()) for frame in frames if isinstance(frame, DataFrame))


def run_jobs(lake: Lake, ds: date) -> None:
    """Aggregate a day and build its features, silently."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        for job in (aggregate_day, build_features):
            job.run(lake._spark, job.arg_parser().parse_args(["--root", lake.root, "--ds", str(ds)]))


def prepared(spark: SparkSession, folder: Path, size: LogSize) -> Lake:
    """Give a lake that is ready for the night of ``DS``: made anew unless it was finished before."""
    root = folder / f"{size.days}_days_of_{size.sends_a_day}_sends"
    done = root / "ready"
    if done.exists():
        return Lake(spark, str(root))
    lake = write_log(spark, str(root), size, DS)
    with redirect_stdout(io.StringIO()):
        aggregate_day.run(spark, aggregate_day.arg_parser().parse_args(["--root", lake.root, "--ds", str(DS)]))
    note, before = read_note(lake, DS), DS - timedelta(days=1)
    sum_up(lake, note, read_past(lake, note, before), before, before)
    carried = carried_due(DS) - timedelta(days=FOLD_DAYS // 2)
    if carried >= DS - timedelta(days=size.days - 1):
        fold_until(lake, note, carried, None)
    no_requests_before(lake)
    done.touch()
    return lake


def no_requests_before(lake: Lake, first: date = DS) -> None:
    """Leave the lake as if the night before a day had asked for nothing, and none after it had been built."""
    before = first - timedelta(days=1)
    requests = "send_id string, user_id string, device_id string, campaign_id string, send_at timestamp, as_of date"
    lake.write("requests", lake._spark.createDataFrame([], f"{requests}, ds date"), [before])
    lake.keep("requests", [before])


def compare(spark: SparkSession, folder: Path, sizes: Sequence[LogSize], runs: int) -> list[Length]:
    """Time nights of each length in turns."""
    lengths = [Length(size, prepared(spark, folder, size)) for size in sizes]
    for turn in range(runs + 1):
        for length in lengths:
            length.night()
            print(f"turn {turn}: {length.size.days} days, {length.seconds[-1]:.1f} s", flush=True)
    for length in lengths:
        del length.seconds[0]
    return lengths


def table(lengths: Sequence[Length]) -> str:
    """Give a Markdown table."""
    lines = ["| days | sends | files read | median s | from | to |", "|--:|--:|--:|--:|--:|--:|"]
    for one in lengths:
        seconds = " | ".join(f"{of(one.seconds):.1f}" for of in (median, min, max))
        lines.append(f"| {one.size.days} | {one.size.sends:,} | {one.files()} | {seconds} |")
    ratio = median(lengths[-1].seconds) / median(lengths[0].seconds)
    days = f"{lengths[-1].size.days} to {lengths[0].size.days} days, {len(lengths[0].seconds)} warm nights each"
    return "\n".join([*lines, "", verdict(days, ratio, NIGHT_BY_LENGTH)])
