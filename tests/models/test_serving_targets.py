"""The benchmark of serving says reached only where the figures are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.benchmarks.models.targets import Figures, targets

NAMES = {"default": "default", "champion": "champion", "forest": "forest", "booster": "booster"}


def figures(model: str, n_bytes: int, **times: float) -> Figures:
    latency = {"p50": 40.0, "p99": 100.0, "engine_p50": 20.0, **times}
    return Figures(model, n_bytes, 0.77, 0.18, 0.0, 0.0, latency, latency, [250.0], None)


# every figure lies exactly on its promise
KEPT = {
    "default": figures("default", 34_000_000, engine_p50=8_000.0),
    "pickle": figures("random_forest", 1_000_000),
    "forest": replace(figures("random_forest", 30_000), auc_lost=0.0005),
    "booster": figures("lightgbm", 400_000, engine_p50=80.0),
    "champion": figures("lightgbm", 34_000),
}


def test_what_lies_on_its_promise_is_reached() -> None:
    assert [one.reached for one in targets(KEPT, **NAMES)] == [True] * 6


@pytest.mark.parametrize(
    ("name", "worse", "missed"),
    [
        ("champion", figures("lightgbm", 34_000, p99=100.1), [0]),
        ("booster", figures("lightgbm", 400_000, engine_p50=79.9), [1]),
        ("default", figures("default", 34_000_000, engine_p50=7_999.0), [2]),
        ("champion", figures("lightgbm", 34_001), [3]),
        ("champion", replace(KEPT["champion"], auc_lost=0.00051), [3]),
        ("forest", figures("random_forest", 30_001), [4]),
        ("forest", replace(KEPT["forest"], auc_lost=0.00051), [4]),
        ("champion", replace(KEPT["champion"], cold_ms=[250.0, 250.1, 250.1]), [5]),
    ],
)
def test_what_falls_short_is_missed(name: str, worse: Figures, missed: list[int]) -> None:
    found = targets({**KEPT, name: worse}, **NAMES)
    assert [number for number, one in enumerate(found) if not one.reached] == missed
