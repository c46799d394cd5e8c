"""Look for better settings of one candidate: log-loss on the validation part against serving bytes.

By hand, not nightly. Every trial fits on the training part and is judged on the validation part; the hold-out is
not read. Stop it when you like and run it again: it goes on with the trials that are done. Prints the Pareto front, and
writes all candidates to a settings file for train_click_models --settings, the tuned one with the smallest settings of
the front whose log-loss is within --tolerance of the lowest.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits

from jobs.build_training_set import META
from jobs.cli import at_least, job_parser, run_job, say
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.settings_file import as_toml, read_candidates
from jobs.storage import is_local
from jobs.training_parts import code_width, read_part
from models.batch import to_labelled_rows
from models.bundle import json_bytes
from models.candidates import CandidateSpec, candidates_for
from models.family import UnfitSettings
from models.schema import FeatureSchema
from models.tuning import SPACES, Tried, objective, open_study, tune

JOURNAL = "tuning.journal"


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument("--output", required=True, metavar="FILE", help="where to write the settings file")
    parser.add_argument("--candidate", default="lightgbm", help="which one to tune (default: lightgbm)")
    parser.add_argument("--settings", metavar="FILE", help="a settings file to start from (default: the product's)")
    parser.add_argument("--minutes", type=at_least(1), default=10, help="begin no trial after so many (default: 10)")
    parser.add_argument("--trials", type=at_least(1), metavar="N", help="end when the study has so many trials")
    parser.add_argument(
        "--tolerance", type=_nats, default=0.0002, help="log-loss that fewer bytes may cost (default: 0.0002 nats)"
    )
    parser.add_argument("--study", metavar="FILE", help=f"the file of trials (default: ROOT/{JOURNAL})")
    parser.add_argument("--seed", type=int, default=0, help="what proposals, samples and folds are drawn with")
    parser.add_argument("--threads", type=at_least(1), default=2, help="threads to fit with")
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Tune on the training set of ``args.ds``."""
    ends = time.monotonic() + 60 * args.minutes
    lake, specs = Lake(spark, args.root), read_candidates(args.settings)
    meta = lake.get_json(META, args.ds)
    n_latents = code_width(meta)
    spec = _spec(candidates_for(n_latents, specs), args)
    journal = _journal(lake, args)
    schema = FeatureSchema.from_json(meta["schema"])
    train, validation = (to_labelled_rows(read_part(lake, args.ds, part), schema) for part in ("train", "validation"))
    with threadpool_limits(limits=args.threads):
        fit = objective(spec, train, validation, schema, n_latents, seed=args.seed, n_threads=args.threads)
        study = open_study(journal, _study_name(spec, meta, args))
        try:
            front = tune(study, spec, fit, seed=args.seed, go_on=_go_on(ends, args.trials))
        except UnfitSettings as error:
            raise BadInput(f"[{spec.name}] {error}") from None
    for one in front:
        print(f"log-loss {one.log_loss:.5f}  {one.serving_bytes:>9,} bytes  {_said(one)}")
    best = _smallest_good(front, args.tolerance)
    say(f"trial {best.number} of {len(study.trials)}: log-loss {best.log_loss:.5f}, {best.serving_bytes:,} bytes")
    tuned = (replace(one, settings=best.settings) if one.name == args.candidate else one for one in specs)
    Path(args.output).write_text(as_toml(tuned), encoding="utf-8")


def _nats(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got {text!r}")
    return value


def _spec(specs: Sequence[CandidateSpec], args: argparse.Namespace) -> CandidateSpec:
    found = next((one for one in specs if one.name == args.candidate), None)
    if found is None:
        names = ", ".join(one.name for one in specs)
        raise BadInput(f"--candidate {args.candidate}: expected one that {args.ds} has, which are {names}")
    for name, range_ in SPACES[found.settings.family].items():
        value = getattr(found.settings, name)
        if not range_.low <= value <= range_.high:
            raise BadInput(
                f"[{found.name}] {name} is {value}: expected settings to start from within "
                f"{range_.low} and {range_.high}"
            )
    return found


def _journal(lake: Lake, args: argparse.Namespace) -> Path:
    if args.study is None and not is_local(lake.root):
        raise BadInput(f"expected --study FILE: {lake.root} is no local folder")
    journal = Path(args.study or f"{lake.root}/{JOURNAL}")
    for file in (journal, Path(args.output)):
        if not file.parent.is_dir():
            raise BadInput(f"expected a folder to write {file.name} to, got {file.parent}")
    return journal


def _study_name(spec: CandidateSpec, meta: Mapping[str, Any], args: argparse.Namespace) -> str:
    """Give a name that only the same candidate on the same rows, with the same seed and threads, has."""
    rows = {key: meta[key] for key in ("schema", "embedding", "parts") if key in meta}
    same = [spec.settings.family, spec.codes, spec.negatives_kept, str(args.ds), args.seed, args.threads, rows]
    return f"{spec.name} {hashlib.sha256(json_bytes([same, as_toml([spec])])).hexdigest()[:12]}"


def _go_on(ends: float, trials: int | None) -> Callable[[int], bool]:
    def go_on(done: int) -> bool:
        return (trials is None or done < trials) and (done == 0 or time.monotonic() < ends)

    return go_on


def _said(one: Tried) -> str:
    settings = ", ".join(f"{name} {getattr(one.settings, name):.4g}" for name in SPACES[one.settings.family])
    return f"trial {one.number}: {settings}"


def _smallest_good(front: Sequence[Tried], tolerance: float) -> Tried:
    lowest = min(one.log_loss for one in front)
    return min(
        (one for one in front if one.log_loss <= lowest + tolerance), key=lambda one: (one.serving_bytes, one.number)
    )


if __name__ == "__main__":
    run_job(arg_parser, run)
