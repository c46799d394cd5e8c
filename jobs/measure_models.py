"""Measure every candidate, and the present champion on the same rows: quality, calibration, size, latency.

Quality is measured on the hold-out, which nothing was learned or chosen from. The choice among candidates
is made on validation. Latency is measured in a process of its own, without Spark and on one thread. Writes the
measures, and beside them how far each feature of the hold-out, and of some of the rows to be scored that night, is from
the rows that were learned from.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from jobs.build_training_set import META
from jobs.champion_rows import NotMeasurable, score_champion
from jobs.cli import add_tracking_argument, at_least, job_parser, run_job, say
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.scoring_sample import scoring_sample
from jobs.side_by_side import side_by_side
from jobs.train_click_models import CANDIDATES, PROFILES, VALIDATION_PREDICTIONS
from jobs.training_parts import read_part
from models.bundle import json_bytes, put_measures
from models.choice import ValidationResult, choose, compare
from models.evaluation import constant_log_loss
from models.feature_health import Profile, health, with_scored, worst
from models.measurement import Scored, measure_scored, score_bundle
from models.pareto import costs_of, pareto_front
from models.schema import FeatureSchema
from models.serving.errors import BundleError
from models.serving.manifest import MANIFEST, read_manifest, read_verified

MEASURED, MEASURES_FILE, HEALTH_FILE = "measured", "measures.json", "feature_health.json"
EMBEDDING_KEYS = ("version", "bytes_per_user", "fvu", "l0", "dead_fraction")


def arg_parser() -> argparse.ArgumentParser:
    """Give the job's arguments."""
    parser = job_parser(__doc__)
    parser.add_argument("--latency-rows", type=at_least(100), default=10_000, help="rows that are timed one by one")
    add_tracking_argument(parser)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Measure the candidates of ``args.ds``."""
    lake = Lake(spark, args.root)
    meta = lake.get_json(META, args.ds)
    folder = lake.get_folder(CANDIDATES, args.ds)
    candidates = _score_candidates(lake, args, meta, folder)
    features, to_score = _health(lake, args, meta, _profiles(folder / PROFILES), candidates[0])
    champion, error = _score_champion(lake, args, meta)
    scored = [*candidates, champion] if champion else candidates
    say(f"timing {len(scored)} bundles on {args.latency_rows:,} rows, in a process without Spark")
    with tempfile.TemporaryDirectory() as work:
        found = measure_scored(scored, Path(work), latency_rows=args.latency_rows)
    entries, rivals = found["entries"][: len(candidates)], found["entries"][len(candidates) :]
    results = _validation(folder / VALIDATION_PREDICTIONS)
    for entry in entries:
        entry["validation"] = vars(results[entry["name"]])
    sizes = {entry["name"]: entry["artifact_bytes"]["serving"] for entry in entries}
    measures = {
        **_about(args, meta, candidates[0]),
        "candidates": entries,
        "champion": rivals[0] if rivals else error,
        "choice": choose(results, sizes).to_json(),
        "pareto": pareto_front({entry["name"]: costs_of(entry) for entry in entries}),
        "drift": worst(features),
        "scoring_drift": worst(to_score) if to_score else None,
        "machine": found["machine"],
    }
    _write(lake, args, folder, measures, features)


def _score_candidates(lake: Lake, args: argparse.Namespace, meta: Mapping[str, Any], candidates: Path) -> list[Scored]:
    """Score the hold-out by every candidate, after all of its files were found to be as they were written."""
    table, schema = read_part(lake, args.ds, "holdout"), FeatureSchema.from_json(meta["schema"])

    def score(folder: Path) -> Scored:
        try:
            manifest = read_manifest(folder)
            read_verified(folder, manifest, manifest["files"])
            return score_bundle(folder, table, schema)
        except BundleError as error:
            raise BadInput(str(error)) from None

    return side_by_side(score, sorted(path.parent for path in candidates.glob(f"*/{MANIFEST}")))


def _health(
    lake: Lake, args: argparse.Namespace, meta: Mapping[str, Any], trained: Sequence[Profile], one: Scored
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the health of the hold-out, with that of the rows to be scored; and the latter alone, empty for no rows."""
    features = health(trained, one.rows.batch)
    sample = scoring_sample(lake, args.ds, FeatureSchema.from_json(meta["schema"]))
    if sample is None:
        return features, []
    to_score = health(trained, sample)
    return [with_scored(*both) for both in zip(features, to_score, strict=True)], to_score


def _score_champion(
    lake: Lake, args: argparse.Namespace, meta: Mapping[str, Any]
) -> tuple[Scored | None, dict[str, str] | None]:
    """Give the champion's scores, or what stands for its measures: the error, or None without a champion."""
    version = (meta.get("embedding") or {}).get("version")
    try:
        return score_champion(lake, args.ds, tracking_uri=args.tracking_uri, embedding_version=version), None
    except NotMeasurable as error:
        say(f"the champion could not be measured: {error}")
        return None, {"error": str(error)}


def _profiles(path: Path) -> list[Profile]:
    if not path.exists():
        raise BadInput(f"{path}: expected what the features look like in training; run train_click_models again")
    found: list[Profile] = json.loads(path.read_bytes())
    return found


def _validation(predictions: Path) -> dict[str, ValidationResult]:
    table = pq.read_table(predictions)
    users = np.asarray(table["user_id"].combine_chunks().dictionary_encode().indices)
    names = [name for name in table.column_names if name not in ("send_id", "user_id", "label")]
    return compare({name: table[name].to_numpy() for name in names}, table["label"].to_numpy(), users)


def _about(args: argparse.Namespace, meta: Mapping[str, Any], one: Scored) -> dict[str, Any]:
    """Say what was measured on; a constant says the click rate of the training rows."""
    train = meta["parts"]["train"]
    embedding = meta.get("embedding")
    return {
        "ds": args.ds.isoformat(),
        "rows": {"train": train["rows"], "holdout": len(one.rows)},
        "base_rate": float(one.rows.label.mean()),
        "constant_log_loss": constant_log_loss(train["clicks"] / train["rows"], one.rows.label),
        "feature_schema_hash": meta["schema"]["hash"],
        "embedding": {key: embedding.get(key) for key in EMBEDDING_KEYS} if embedding else None,
        "simulator": None,
    }


def _write(
    lake: Lake,
    args: argparse.Namespace,
    candidates: Path,
    measures: Mapping[str, Any],
    features: Sequence[Mapping[str, Any]],
) -> None:
    """Store the bundles with their measures, which the manifests vouch for; every other byte stays as measured."""
    with tempfile.TemporaryDirectory() as folder:
        for entry in measures["candidates"]:
            bundle = Path(folder) / entry["name"]
            shutil.copytree(candidates / entry["name"], bundle)
            put_measures(bundle, entry)
            say(
                f"{entry['name']}: AUC {entry['auc']:.4f}, log-loss {entry['log_loss']:.5f}, "
                f"{entry['artifact_bytes']['serving']:,} bytes, p99 {entry['latency_us']['p99']:.0f} us"
            )
        (Path(folder) / MEASURES_FILE).write_bytes(json_bytes(measures))
        (Path(folder) / HEALTH_FILE).write_bytes(json_bytes(features))
        lake.put_folder(MEASURED, args.ds, Path(folder))


if __name__ == "__main__":
    run_job(arg_parser, run)
