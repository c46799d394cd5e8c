"""The keys of metrics.json are a contract: others read the file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from jobs.report.metrics import Metrics, assemble

TOP = {
    "ds",
    "rows",
    "base_rate",
    "feature_schema_hash",
    "embedding",
    "candidates",
    "gates",
    "chosen",
    "champion",
    "published",
}
CANDIDATE = {
    "name",
    "family",
    "auc",
    "auc_ci",
    "log_loss",
    "ece",
    "n_features",
    "fit_seconds",
    "artifact_bytes",
    "serving_format",
    "latency_us",
    "batch_rows_per_s",
}


def test_all_promised_keys_are_there(metrics: Metrics) -> None:
    found = json.loads(metrics.model_dump_json())
    assert found.keys() >= TOP
    assert found["rows"].keys() >= {"train", "holdout"}
    assert found["embedding"].keys() >= {"version", "bytes_per_user", "fvu", "l0", "dead_fraction"}
    for candidate in found["candidates"]:
        assert candidate.keys() >= CANDIDATE
        assert candidate["artifact_bytes"].keys() >= {"joblib", "serving"}
        assert candidate["latency_us"].keys() >= {"p50", "p99", "n"}
    for gate in found["gates"]:
        assert gate.keys() >= {"rule", "candidate", "value", "limit", "passed"}


def test_what_was_measured_comes_through_unchanged(measured: dict[str, Any], metrics: Metrics) -> None:
    found = json.loads(metrics.model_dump_json())
    for before, after in zip(measured["candidates"], found["candidates"], strict=True):
        assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("key", sorted(CANDIDATE))
def test_a_candidate_without_a_promised_key_is_an_error(
    measured: dict[str, Any], decision: dict[str, Any], key: str
) -> None:
    del measured["candidates"][0][key]
    with pytest.raises(ValidationError, match=key):
        assemble(measured, decision)


@pytest.mark.parametrize("key", ["gates", "chosen", "published", "champion"])
def test_a_decision_without_a_promised_key_is_an_error(
    measured: dict[str, Any], decision: dict[str, Any], key: str
) -> None:
    del decision[key]
    with pytest.raises(ValidationError, match=key):
        assemble(measured, decision)


def test_both_sizes_are_demanded(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    del measured["candidates"][0]["artifact_bytes"]["joblib"]
    with pytest.raises(ValidationError, match="lacks joblib"):
        assemble(measured, decision)


def test_a_figure_that_is_not_a_number_is_null(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    measured["candidates"][0] |= {"auc": float("nan"), "auc_ci": [float("nan"), float("inf")]}
    found = json.loads(assemble(measured, decision).model_dump_json())
    assert found["candidates"][0]["auc"] is None
    assert found["candidates"][0]["auc_ci"] == [None, None]


def test_a_champion_that_could_not_be_measured_is_told(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    measured["champion"] = {"error": "its schema is gone"}
    metrics = assemble(measured, decision)
    assert metrics.champion_before is None
    assert metrics.champion_before_error == "its schema is gone"


def test_the_file_reads_back_as_it_was(metrics: Metrics) -> None:
    assert Metrics.model_validate_json(metrics.model_dump_json()) == metrics
