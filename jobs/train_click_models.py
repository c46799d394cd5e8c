"""Fit the candidates: logistic regression, Random Forest and LightGBM, with and without the users' codes.

Fitted on the training part of the training set, stopped and calibrated on its validation part, then fitted on both with
what validation decided; the hold-out is not read. Writes one bundle for each candidate, their validation
probabilities, and what the features look like in the rows learned from.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits

from jobs.build_training_set import META
from jobs.cli import at_least, job_parser, run_job, say
from jobs.embedding import EMBEDDINGS, read_manifest
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.settings_file import read_candidates
from jobs.side_by_side import side_by_side
from jobs.training_route import Asked, Route
from jobs.training_routes import ROUTES
from models.bundle import Embedding, json_bytes, serving_contents, write_bundle
from models.candidates import CandidateSpec, FittedCandidate, candidates_for, fit_by
from models.evaluation import log_loss
from models.family import UnfitSettings
from models.format_check import check_formats
from models.lightgbm_threads import at_most
from models.probe import is_usable, probe
from models.schema import FeatureSchema

CANDIDATES = "candidates"
VALIDATION_PREDICTIONS, PROFILES = "validation_predictions.parquet", "feature_profiles.json"


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument("--seed", type=int, default=0, help="what samples and folds are drawn with")
    parser.add_argument("--settings", metavar="FILE", help="a TOML file with the candidates and their settings")
    parser.add_argument(
        "--threads",
        type=at_least(1),
        default=2,
        help="threads to fit with; in memory, with 2 or 3, two candidates at a time",
    )
    parser.add_argument(
        "--training",
        choices=list(ROUTES),
        default="memory",
        help="where rows are fitted on: in memory; out-of-core, read from disk block by block, which gives the same "
        "boosted trees and histogram forests and leaves out other families; or spark: LightGBM on the executors, by "
        "ranks that each fit on their own rows; scikit-learn's forest with its rows on the driver and its trees on the "
        "executors; logistic regression on the driver",
    )
    parser.add_argument(
        "--ranks", type=at_least(2), help="with --training spark: tasks that fit together (default: all at a time)"
    )
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Fit the candidates of ``args.ds``."""
    lake, specs = Lake(spark, args.root), read_candidates(args.settings)
    meta = lake.get_json(META, args.ds)
    schema = FeatureSchema.from_json(meta["schema"])
    embedding = _embedding(lake, args, meta)
    n_latents = meta["embedding"]["n_latents"] if embedding else 0
    say("fitting on {train[rows]:,} sends, validating on {validation[rows]:,}".format(**meta["parts"]))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        route = stack.enter_context(ROUTES[args.training](Asked(spark, lake, args, schema, n_latents)))
        # BLAS on one thread, so that candidates that are fitted at the same time need not take turns at saying so
        n_threads = args.threads // route.at_once
        stack.enter_context(threadpool_limits(limits={"openmp": n_threads, "blas": 1}))
        stack.enter_context(at_most(n_threads))

        def fit(spec: CandidateSpec) -> FittedCandidate:
            try:
                fitted = fit_by(route.trainer(spec), spec, seed=args.seed)
            except UnfitSettings as error:
                raise BadInput(f"[{spec.name}] {error}") from None
            _write(folder, fitted, route, args, schema, embedding)
            return fitted

        (folder / PROFILES).write_bytes(json_bytes(route.profiles))
        predictions = route.keys
        for fitted in side_by_side(fit, route.possible(candidates_for(n_latents, specs)), at_once=route.at_once):
            predictions = predictions.append_column(fitted.spec.name, pa.array(fitted.validation))
        pq.write_table(predictions, folder / VALIDATION_PREDICTIONS)
        lake.put_folder(CANDIDATES, args.ds, folder)


def _embedding(lake: Lake, args: argparse.Namespace, meta: dict[str, Any]) -> Embedding | None:
    """Give the embedding that the training set's codes come from; None for a training set without codes."""
    if not meta.get("embedding"):
        return None
    expected, folder = meta["embedding"]["version"], lake.get_folder(EMBEDDINGS, args.ds)
    found = read_manifest(folder)["version"]
    if found != expected:
        raise BadInput(
            f"training set of {args.ds}: made with embedding {expected}, but that of the day is {found}; "
            "run build_training_set again"
        )
    return Embedding(expected, folder)


def _write(
    folder: Path,
    fitted: FittedCandidate,
    route: Route,
    args: argparse.Namespace,
    schema: FeatureSchema,
    embedding: Embedding | None,
) -> None:
    """Write a candidate's bundle, with what is known of it so far."""
    serving = serving_contents(fitted.model)
    conversions = check_formats(fitted.model, serving, probe(route.to_probe, schema, seed=args.seed))
    loss = log_loss(fitted.validation, route.keys["label"].to_numpy())
    calibration = fitted.model.calibrator.method
    measures = {
        "n_features": fitted.n_features,
        "fit_seconds": round(fitted.fit_seconds, 2),
        "fitted_at_once": route.at_once,
        "calibration": calibration,
        **conversions,
        "validation": {"log_loss": loss},
    }
    write_bundle(
        folder / fitted.spec.name,
        fitted,
        serving=serving,
        ds=args.ds,
        schema=schema,
        embedding=embedding,
        measures=measures,
    )
    seconds = f"{fitted.fit_seconds:.1f} s{' beside another' if route.at_once > 1 else ''}"
    for name, difference in conversions["conversion_difference"].items():
        if not is_usable(difference):
            say(f"{fitted.spec.name}: unusable as {name}, which differs by {difference} from what was fitted")
    say(f"{fitted.spec.name}: {seconds}, calibration {calibration}, validation log-loss {loss:.5f}")


if __name__ == "__main__":
    run_job(arg_parser, run)
