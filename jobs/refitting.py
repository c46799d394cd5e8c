"""What the jobs share that fit a candidate again, by hand, to learn something about the data."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import pyarrow as pa

from jobs.build_training_set import META
from jobs.cli import at_least, job_parser
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.training_parts import code_width, read_part
from models.candidates import DEFAULT_CANDIDATES, CandidateSpec, candidates_for
from models.schema import FeatureSchema


@dataclass(frozen=True)
class Refit:
    """A candidate, and the training set of a day.

    Parameters
    ----------
    spec : CandidateSpec
        What to fit.
    schema : FeatureSchema
        Which columns are what.
    n_latents : int
        Width of the users' code.
    train, validation, holdout : pa.Table
        Rows in the order of ``send_id``.
    """

    spec: CandidateSpec
    schema: FeatureSchema
    n_latents: int
    train: pa.Table
    validation: pa.Table
    holdout: pa.Table


def refit_parser(doc: str | None) -> argparse.ArgumentParser:
    """Start the parser of such a job: ``--candidate``, ``--seed`` and ``--threads``."""
    parser = job_parser(doc)
    names = [spec.name for spec in DEFAULT_CANDIDATES]
    parser.add_argument("--candidate", choices=names, default="lightgbm", help="what to fit (default: lightgbm)")
    parser.add_argument("--seed", type=int, default=0, help="what users, samples and folds are drawn with")
    parser.add_argument("--threads", type=at_least(1), default=2, help="threads to fit with")
    return parser


def read_refit(lake: Lake, args: argparse.Namespace) -> Refit:
    """Read the candidate and the training set that the arguments name.

    Raises
    ------
    BadInput
        When the day has no training set, or the candidate is one without codes and there are none.
    """
    meta = lake.get_json(META, args.ds)
    n_latents = code_width(meta)
    spec = next((spec for spec in candidates_for(n_latents) if spec.name == args.candidate), None)
    if spec is None:
        raise BadInput(f"--candidate {args.candidate}: the training set of {args.ds} has no codes to leave out")
    train, validation, holdout = (read_part(lake, args.ds, part) for part in ("train", "validation", "holdout"))
    return Refit(spec, FeatureSchema.from_json(meta["schema"]), n_latents, train, validation, holdout)
