"""The chat message: what it says of a publication and of a refusal, and that it stays short and plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jobs.report import numbers
from jobs.report.markdown import MOST_CHARACTERS, MOST_GATES, MOST_MODELS, summary
from jobs.report.metrics import Metrics, assemble

HOSTILE = "| @everyone\n# <!channel> [x](http://x) **b** `c`"


def test_message_of_a_publication(metrics: Metrics, golden: Callable[[str, str], None]) -> None:
    golden("published.md", summary(metrics))


def test_message_of_a_refusal(
    measured: dict[str, Any], refused: dict[str, Any], golden: Callable[[str, str], None]
) -> None:
    golden("refused.md", summary(assemble(measured, refused)))


def test_when_no_model_qualifies_the_gates_that_left_them_out_are_named(
    measured: dict[str, Any], decision: dict[str, Any]
) -> None:
    large = {"rule": "max_serving_bytes", "value": 6_000_000, "limit": 5_000_000, "passed": False, "note": ""}
    gates = [{"candidate": "lightgbm", **large}]
    nothing = decision | {"gates": gates, "chosen": None, "published": False, "champion": None}
    said = summary(assemble(measured, nothing))
    assert "✕ Nothing published: no model qualified" in said
    assert "- ✕ lightgbm: serving size is 6\N{NARROW NO-BREAK SPACE}MB" in said
    assert "Gates: " not in said


def test_a_first_run_has_nothing_to_stand_beside(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    first = summary(assemble(measured | {"champion": None}, decision))
    assert "Beside" not in first
    broken = summary(assemble(measured | {"champion": {"error": "its schema is gone"}}, decision))
    assert "The champion of before could not be measured: its schema is gone" in broken


@pytest.mark.parametrize(("limit", "said"), [(0.25, "1 of the 2 features drifted"), (0.5, "None of the 2 features")])
def test_drift_is_told_by_the_limit(metrics: Metrics, limit: float, said: str) -> None:
    assert f"Drift: {said}" in summary(metrics, drift_limit=limit)


def test_figures_that_could_not_be_measured_are_dashes(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    for candidate in measured["candidates"]:
        candidate |= {"auc": None, "auc_ci": None, "log_loss": None, "latency_us": {"p50": None, "p99": None, "n": 0}}
    said = summary(assemble(measured, decision))
    row = next(line for line in said.splitlines() if "logistic" in line)
    assert row.count(f" {numbers.NONE} ") == 3
    assert "None" not in said


def test_it_stays_short_whatever_the_data_holds(
    measured: dict[str, Any], refused: dict[str, Any], extras: dict[str, Any]
) -> None:
    long = "a_very_long_name" * 200
    last = measured["candidates"][-1]
    measured["candidates"] += [last | {"name": f"{i}{long}"} for i in range(50)]
    worse = {"value": 1.0, "limit": 0.5, "passed": False, "candidate": "lightgbm", "note": long}
    refused["gates"] += [worse | {"rule": f"max_{long}{i}"} for i in range(60)]
    refused["reasons"] = [long] * 100
    extras["features"] = [one | {"name": f"{one['name']}{long}", "psi": 3.0} for one in extras["features"]] * 30
    said = summary(assemble(measured, refused, **extras))
    assert len(said) <= MOST_CHARACTERS
    assert f"{50 + 4 + 1 - MOST_MODELS} more models are in the report." in said
    assert f"{61 - MOST_GATES} more refused" in said
    assert "**`lightgbm`** refused" in said
    assert "`lightgbm` present champion" in said


def test_names_from_the_data_cannot_call_or_link(
    measured: dict[str, Any], refused: dict[str, Any], extras: dict[str, Any]
) -> None:
    measured["candidates"][1]["name"] = HOSTILE
    refused["gates"][-1] |= {"note": HOSTILE}
    extras["features"][1]["name"] = HOSTILE
    said = summary(assemble(measured, refused, **extras))
    assert "everyone" in said
    for markup in ("@everyone", "<!channel>", "](", "**b**", "`c`", "\n#"):
        assert markup not in said
    rows = [line for line in said.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {6}
