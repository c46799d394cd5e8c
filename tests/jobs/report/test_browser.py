"""The page in a real browser: it fits a phone, is dark where asked to be, and its tables and pictures react."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.report.metrics import Metrics, assemble
from jobs.report.page import render
from tests.browser import DARK, LIGHT, PHONE, needs_browser, used

PROBE = Path(__file__).with_name("probe.js")

pytestmark = needs_browser


@pytest.fixture
def whole(
    measured: dict[str, Any],
    decision: dict[str, Any],
    drawn: dict[str, Any],
    curve: dict[str, Any],
    weights: dict[str, Any],
    extras: dict[str, Any],
) -> Metrics:
    """A run with every section."""
    return assemble(measured, decision, **extras, embedding_map=drawn, learning_curve=curve, block_weights=weights)


def probed(metrics: Metrics, folder: Path, scheme: int = LIGHT) -> dict[str, Any]:
    """Let the browser use the page; gives what the probe found."""
    before = [metrics.model_copy(update={"ds": metrics.ds - timedelta(days=back)}) for back in range(1, 30)]
    (folder / "report.html").write_text(render(metrics, before), encoding="utf-8")
    return used(folder / "report.html", PROBE.read_text(), folder, scheme)


@pytest.fixture
def found(whole: Metrics, tmp_path: Path) -> dict[str, Any]:
    return probed(whole, tmp_path)


def test_it_fits_a_phone_and_loads_nothing(found: dict[str, Any]) -> None:
    assert found["width"] <= PHONE
    assert found["loaded"] == []


def test_tables_sort_and_the_map_has_two_colourings(found: dict[str, Any]) -> None:
    up, down = found["sorted"]
    assert up == ["logistic", "lightgbm_no_embedding", "lightgbm", "champion before", "random_forest"]
    assert down == up[::-1]
    assert len({*found["colours"], "rgb(0, 0, 0)"}) == 3  # black is what a dot without a colour has


def test_every_picture_tells_the_values_of_a_tapped_mark(found: dict[str, Any]) -> None:
    assert set(found["hints"]) == {"Tap or point at a mark for its values."}
    said = found["said"]
    assert set(said) == {
        "Share of clicks kept", "Lift over a random audience", "Quality against size", "Quality against latency",
        "Size by format", "Latency, most and slowest", "Predicted against actual", "Predicted over actual, by platform",
        "Log-loss gain of each block", "Quality of lightgbm against data", "Quality over time", "Latency over time",
        "Size over time",
    }  # fmt: skip
    assert not set(said.values()) & set(found["hints"])
    assert said["Size by format"] == "champion before, onnx: 504\N{NARROW NO-BREAK SPACE}kB"
    assert said["Log-loss gain of each block"].startswith("user_profile: log-loss gain \N{MINUS SIGN}0.00060")
    assert said["Quality over time"] == "2026-02-11: lightgbm, 0.739"


def test_arrow_keys_reach_the_marks_too(found: dict[str, Any]) -> None:
    assert re.fullmatch(r"random_forest, joblib: 35\.2.MB", found["byKey"])  # the rightmost


def test_a_legend_hides_its_model_and_brings_it_back(found: dict[str, Any]) -> None:
    before, without, after = found["drawn"]
    assert before == after
    assert before - without == 2 + 3 + 3  # both trade-offs, three formats, three latencies
    assert found["told"][0].startswith("lightgbm: AUC 0.7391")
    assert set(found["told"][1:]) <= set(found["hints"])  # what is hidden is not told either


def test_dark_readers_get_a_dark_page(whole: Metrics, found: dict[str, Any], tmp_path: Path) -> None:
    dark = probed(whole, tmp_path, DARK)
    assert (found["paper"], found["ink"]) == ("rgb(247, 246, 243)", "rgb(29, 33, 39)")
    assert (dark["paper"], dark["ink"]) == ("rgb(20, 23, 27)", "rgb(232, 234, 237)")
