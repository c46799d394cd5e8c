"""Write the report of a day: one self-contained HTML page, a chat message of it, and the same figures as JSON.

Reads what measure_models measured and publish_model decided, and, where they are there, the counts of ingest
and of scoring, the parts of the training set, the health of the features, a learning curve, what blocks of
features add, a map of the embedding, lookalikes of clickers, flagged anomalies, what a simulator knows, and
earlier reports; and a comparison of embeddings: that of --embedding-comparison, which the lake keeps, or the last one
that it kept. Writes ROOT/reports/ds=DAY/report.html, report.md, the feature catalogue features.md, and metrics.json
(keys: jobs/report/metrics.py).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from pydantic import ValidationError
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.catalogue import as_markdown
from jobs.cli import add_tracking_argument, job_parser, run_job, say
from jobs.comparison_file import read_comparison
from jobs.errors import BadInput
from jobs.ingest_counts import COUNTS, OUTCOMES
from jobs.lake import Lake
from jobs.log_note import read_note
from jobs.report.anomaly_measures import Anomaly
from jobs.report.comparison_measures import EmbeddingComparison
from jobs.report.health import DRIFT_LIMIT
from jobs.report.markdown import summary
from jobs.report.metrics import Metrics, assemble
from jobs.report.page import render
from jobs.report.past import MOST

REPORTS, CATALOGUE = "reports", "features.md"
SCORES = "scores"
COMPARISON = "embedding_comparison"
ANOMALIES = "anomalies"
MOST_ANOMALIES = 100
"""Rows of each kind that come into ``metrics.json``."""


def arg_parser() -> argparse.ArgumentParser:
    """Give the arguments of this job."""
    parser = job_parser(__doc__)
    parser.add_argument(
        "--drift-limit", type=float, default=DRIFT_LIMIT, metavar="PSI",
        help=f"features that moved further are named (default: {DRIFT_LIMIT})",
    )  # fmt: skip
    parser.add_argument(
        "--embedding-comparison",
        metavar="FILE",
        help="comparison.json of make bench-embeddings: shown from this day on, until another one is given",
    )
    add_tracking_argument(parser)
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Put the figures together and write them, the page last."""
    lake = Lake(spark, args.root)
    metrics = _metrics(lake, args.ds, _comparison(lake, args.ds, args.embedding_comparison))
    history = list(_history(lake, args.ds))
    folder, catalogue = f"{lake.root}/{REPORTS}/ds={args.ds}", _catalogue(lake, args.ds)
    limit, link = args.drift_limit, CATALOGUE if catalogue else None
    page = render(metrics, history, registry=args.tracking_uri, drift_limit=limit, catalogue=link)
    if catalogue:
        lake.storage.replace_text(f"{folder}/{CATALOGUE}", catalogue)
    lake.storage.replace_text(f"{folder}/metrics.json", f"{metrics.model_dump_json(indent=1)}\n")
    lake.storage.replace_text(f"{folder}/report.md", summary(metrics, drift_limit=limit))
    lake.storage.replace_text(f"{folder}/report.html", page)
    say(f"report: {folder}/report.html")


def _comparison(lake: Lake, ds: date, path: str | None) -> EmbeddingComparison | None:
    """Keep the comparison that a file holds, if one is given; gives the last one that was kept up to ``ds``."""
    if path:
        lake.put_json(COMPARISON, ds, read_comparison(path).model_dump(mode="json"))
    days = [day for day in lake.json_days(COMPARISON) if day <= ds]
    return EmbeddingComparison.model_validate(lake.get_json(COMPARISON, days[-1])) if days else None


def _catalogue(lake: Lake, ds: date) -> str | None:
    """Give the features of the day's log; None where the lake has no note of it."""
    try:
        return as_markdown(read_note(lake, ds).has)
    except BadInput:
        return None


def _metrics(lake: Lake, ds: date, comparison: EmbeddingComparison | None) -> Metrics:
    try:
        return assemble(
            _measures(lake, ds),
            lake.get_json("decision", ds),
            training_set=_optional(lake, "training_set_meta", ds),
            ingest=_ingested(lake, ds),
            audience=_optional(lake, "score_counts", ds),
            campaigns=_campaigns(lake, ds),
            simulator=_optional(lake, "simulator_truth", ds),
            learning_curve=_optional(lake, "learning_curve", ds),
            block_weights=_optional(lake, "block_weights", ds),
            embedding_map=_optional(lake, "embedding_map", ds),
            embedding_comparison=comparison,
            anomalies=_anomalies(lake, ds),
            lookalikes=_optional(lake, "lookalike_counts", ds),
            features=_features(lake, ds),
        )
    except ValidationError as error:
        raise BadInput(f"the figures of {ds} in {lake.root}: {_first(error)}") from None


def _measures(lake: Lake, ds: date) -> dict[str, Any]:
    path = lake.get_folder("measured", ds) / "measures.json"
    if not path.exists():
        raise BadInput(f"{path}: expected the measures of {ds}; run measure_models again")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _features(lake: Lake, ds: date) -> list[dict[str, Any]]:
    path = lake.get_folder("measured", ds) / "feature_health.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return found


def _optional(lake: Lake, name: str, ds: date) -> Any:
    try:
        return lake.get_json(name, ds)
    except BadInput:
        return None


def _ingested(lake: Lake, ds: date) -> list[dict[str, Any]]:
    """Add up the counts of all days up to ``ds``: a first run brings in many days at once."""
    if not any(day <= ds for day in lake.days(COUNTS)):
        return []
    counts = lake.read(COUNTS, until=ds)
    sums = (F.sum(name).alias(name) for name in ("read", *OUTCOMES) if name in counts.columns)
    rows = counts.groupBy("table").agg(*sums).collect()
    return sorted((row.asDict() for row in rows), key=lambda row: (-row["read"], row["table"]))


def _campaigns(lake: Lake, ds: date) -> list[dict[str, Any]]:
    """Sum up the scores of each campaign, in decimals: their sum does not depend on the order of rows."""
    if ds not in lake.days(SCORES):
        return []
    p_click = F.col("p_click").cast("decimal(18,9)")
    scores = lake.read(SCORES, since=ds, until=ds).groupBy("campaign_id")
    rows = scores.agg(
        F.count("*").alias("scored"),
        F.avg(p_click).cast("double").alias("mean_p_click"),
        F.max(p_click).cast("double").alias("max_p_click"),
    ).collect()
    return sorted((row.asDict() for row in rows), key=lambda row: (-row["mean_p_click"], row["campaign_id"]))


def _anomalies(lake: Lake, ds: date) -> dict[str, Any] | None:
    """Give the strangest of each kind, without their ids."""
    if ds not in lake.days(ANOMALIES):
        return None
    flagged = lake.read(ANOMALIES, since=ds, until=ds)
    rows = []
    for kind in ("user", "device"):
        strangest = flagged.where(F.col("kind") == kind).orderBy(F.desc("score"), "id").limit(MOST_ANOMALIES)
        rows += [row.asDict() for row in strangest.select(*Anomaly.model_fields).collect()]
    return {**lake.get_json("anomaly_counts", ds), "rows": rows}


def _history(lake: Lake, ds: date) -> Iterator[Metrics]:
    """Read the last reports before ``ds``; one that cannot be read is named and left out."""
    names = (name.removeprefix("ds=") for name in lake.storage.names(f"{lake.root}/{REPORTS}"))
    for day in [name for name in names if not name.startswith(".") and name < str(ds)][-MOST:]:
        path = f"{lake.root}/{REPORTS}/ds={day}/metrics.json"
        if not lake.storage.exists(path):
            continue
        try:
            yield Metrics.model_validate_json(lake.storage.read_text(path))
        except ValidationError as error:
            say(f"{path} is left out of the history: {_first(error)}")


def _first(error: ValidationError) -> str:
    wrong = error.errors()[0]
    return f"{'.'.join(str(part) for part in wrong['loc'])}: {wrong['msg'].lower()}"


if __name__ == "__main__":
    run_job(arg_parser, run)
