"""Set two published versions side by side: quality, calibration, size and speed, as a Markdown table.

A version is named by its hash (or the beginning of it), its number in the registry, or an alias: champion,
previous_champion. Figures are those of the newest day on which both were measured, on the same hold-out and the
same machine; without such a day each has the figures that it was published with, and the table says so.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.cli import add_tracking_argument, job_parser, run_job
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.measure_models import MEASURED, MEASURES_FILE
from jobs.registry import CHAMPION, PREVIOUS, Registry, Version
from jobs.report.numbers import NONE, TIMES, count, fixed, interval, micros, significant, size
from models.serving.manifest import read_manifest, read_measures


@dataclass(frozen=True)
class Figure:
    """A row of the table."""

    name: str
    path: tuple[str, ...]
    """Where it lies in the measures of a version."""
    write: Any
    """What makes a text of it."""
    ratio: bool = False
    """Whether the change is a ratio (sizes, times), not a difference."""


FIGURES = (
    Figure("AUC", ("auc",), fixed),
    Figure("AUC, 95 % interval", ("auc_ci",), interval),
    Figure("log-loss", ("log_loss",), lambda value: fixed(value, 5)),
    Figure("calibration error", ("ece",), fixed),
    Figure("mean probability", ("mean_p",), fixed),
    Figure("click rate", ("mean_y",), fixed),
    Figure("features", ("n_features",), count),
    Figure("serving", ("artifact_bytes", "serving"), size, ratio=True),
    Figure("joblib", ("artifact_bytes", "joblib"), size, ratio=True),
    Figure("latency p50", ("latency_us", "p50"), micros, ratio=True),
    Figure("latency p99", ("latency_us", "p99"), micros, ratio=True),
    Figure("rows a second, in batches", ("batch_rows_per_s",), significant, ratio=True),
    Figure("cold start, ms", ("cold_first_score_ms",), significant, ratio=True),
)


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__, ds=False)
    parser.add_argument("versions", nargs=2, metavar="VERSION", help="a hash, a number, champion or previous_champion")
    add_tracking_argument(parser)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Print the table."""
    registry = Registry(args.root, args.tracking_uri)
    versions = [_version(registry, name) for name in args.versions]
    day, measures = _measured_together(Lake(spark, args.root), versions)
    if day is None:
        measures = [_own_measures(registry.bundle(version).folder) for version in versions]
    print("\n".join([*_table(versions, measures), "", _said(day, versions)]))


def _own_measures(bundle: Path) -> dict[str, Any]:
    return read_measures(bundle, read_manifest(bundle))


def _version(registry: Registry, name: str) -> Version:
    """Find a version by what the command line calls it."""
    aliases = {CHAMPION: registry.champion(), PREVIOUS: registry.previous_champion()}
    versions = registry.versions() if registry.tracking.exists() else []
    if name in aliases:
        found = [version for version in (aliases[name],) if version]
    else:
        found = [one for one in versions if name == one.number] or [
            one for one in versions if one.bundle_version.startswith(name)
        ]
    if len(found) != 1:
        known = ", ".join(f"{one.bundle_version} ({one.number})" for one in versions) or "none"
        raise BadInput(f"version {name!r}: expected one that is published, found {len(found)}; known are {known}")
    return found[0]


def _measured_together(lake: Lake, versions: Sequence[Version]) -> tuple[str | None, list[dict[str, Any]]]:
    """Give the newest day on which all were measured, and their measures."""
    for day in reversed(lake.days(MEASURED)):
        measures = json.loads((lake.get_folder(MEASURED, day) / MEASURES_FILE).read_text(encoding="utf-8"))
        entries = [*measures["candidates"], measures.get("champion") or {}]
        of_version = {entry["version"]: entry for entry in reversed(entries) if "version" in entry}
        if all(version.bundle_version in of_version for version in versions):
            return str(day), [of_version[version.bundle_version] for version in versions]
    return None, []


def _table(versions: Sequence[Version], measures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = [f"{one.candidate} {one.bundle_version}" for one in versions]
    yield f"| | {names[0]} | {names[1]} | change |"
    yield "|---|---|---|---|"
    for figure in FIGURES:
        values = [_at(figure.path, one) for one in measures]
        told = [figure.write(value) for value in values]
        yield f"| {figure.name} | {told[0]} | {told[1]} | {_change(figure, values)} |"


def _at(path: Sequence[str], measures: Mapping[str, Any]) -> Any:
    value: Any = measures
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _change(figure: Figure, values: Sequence[Any]) -> str:
    first, second = values
    if not all(isinstance(value, int | float) for value in values):
        return NONE
    if figure.ratio:
        return f"{TIMES.strip()} {significant(second / first)}" if first else NONE
    told: str = figure.write(second - first)
    return told if second < first else f"+{told}"


def _said(day: str | None, versions: Sequence[Version]) -> str:
    if day is not None:
        return f"Both measured on the hold-out of {day}, on the same machine."
    days = " and ".join(version.ds for version in versions)
    return f"No day has measures of both: each has those that it was published with ({days}). Hold-outs may differ."


if __name__ == "__main__":
    run_job(arg_parser, run)
