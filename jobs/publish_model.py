"""Publish the chosen candidate of a day as the champion, or refuse it and keep the old one.

Reads what measure_models wrote, and the gates. A candidate that fails a resource gate is left out before the
choice is made; the chosen one must pass every gate. A refusal names rule, value and limit, and comes when all else is
written.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pyspark.sql import SparkSession

from jobs.cli import add_tracking_argument, iso_day, job_parser, run_job, say
from jobs.errors import BadInput, Refused
from jobs.gates_file import read_gates
from jobs.lake import Lake
from jobs.registry import Registry, Version
from models.choice import Choice
from models.decision import Decision, choose, decide


def arg_parser() -> argparse.ArgumentParser:
    """Give the arguments of this job."""
    parser = job_parser(__doc__, ds=False)
    parser.add_argument("--ds", type=iso_day, help="the day whose candidates were measured, YYYY-MM-DD")
    parser.add_argument("--gates", metavar="FILE", help="a TOML file with the limits (default: jobs/gates.toml)")
    add_tracking_argument(parser)
    parser.add_argument("--rollback", action="store_true", help="only restore the champion before the present one")
    return parser


def run(spark: SparkSession, args: argparse.Namespace) -> None:
    """Decide, publish, and write the decision."""
    registry = Registry(args.root, args.tracking_uri)
    if args.rollback:
        say(f"the champion is again {_named(registry.rollback())}")
        return
    if args.ds is None:
        raise BadInput("expected --ds YYYY-MM-DD, or --rollback")
    rules, lake = read_gates(args.gates), Lake(spark, args.root)
    measured = lake.get_folder("measured", args.ds)
    measures = json.loads((measured / "measures.json").read_text(encoding="utf-8"))
    bundles = {entry["name"]: measured / entry["name"] for entry in measures["candidates"]}
    for bundle in bundles.values():
        registry.tracking.log_candidate_run(bundle)

    choice = choose(measures, rules)
    chosen = choice.chosen if choice else None
    rival = _rival(measures, registry.champion(), chosen)
    decision = decide({**measures, "champion": rival}, rules, chosen=chosen)
    if chosen and not decision.refusals:
        registry.promote(registry.register(bundles[chosen]))
    lake.put_json("decision", args.ds, _as_json(decision, choice, registry.champion()))
    if decision.refusals:
        raise Refused("; ".join(decision.refusals))
    say(f"published: the champion is {_named(registry.champion())}")


def _rival(measures: Mapping[str, Any], champion: Version | None, chosen: str | None) -> dict[str, Any] | None:
    """Give the measures of the present champion; None where there is none, or where the chosen one is it.

    Measures of another version than the one behind the alias now are no measures of the champion.
    """
    if champion is None:
        return None
    own = {entry["version"]: entry for entry in measures["candidates"]}.get(champion.bundle_version)
    if own is not None and own["name"] == chosen:
        return None
    measured: dict[str, Any] = measures.get("champion") or {}
    if "error" in measured or measured.get("version") == champion.bundle_version:
        return measured
    return own or {"error": f"expected measures of {_named(champion)}; run measure_models again"}


def _as_json(decision: Decision, choice: Choice | None, champion: Version | None) -> dict[str, Any]:
    refused = [f"refused: {reason}" for reason in decision.refusals]
    return {
        "gates": [asdict(gate) for gate in decision.gates],
        "chosen": decision.chosen,
        "choice": choice.to_json() if choice else None,
        "published": not decision.refusals,
        "champion": champion.bundle_version if champion else None,
        "reasons": [*decision.left_out, *(refused or [f"published: the champion is {_named(champion)}"])],
    }


def _named(version: Version | None) -> str:
    return f"{version.candidate} {version.bundle_version}" if version else "nobody"


if __name__ == "__main__":
    run_job(arg_parser, run)
