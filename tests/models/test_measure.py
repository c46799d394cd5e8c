"""Latency and throughput: measured in a process of its own, side by side, and fit for comparison."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models import latency
from models import measure as measure_module
from models.bundle import put_measures
from models.candidates import FittedCandidate
from models.latency import Timed, batch_rows_per_s, latency_us
from models.measure import engines_of
from models.measurement import measure_scored, score_bundle
from models.schema import FeatureSchema


def busy(turns: int) -> Callable[[Any], float]:
    def call(_row: object) -> float:
        return float(sum(range(turns)))

    return call


def timed(turns: int) -> Timed:
    scorer: Any = SimpleNamespace(
        encoder=SimpleNamespace(encode_one=lambda row: row),
        engine=SimpleNamespace(predict_one=busy(10)),
        score_one=busy(turns),
    )
    return Timed(scorer, [{"row": row} for row in range(400)])


def test_slower_scorers_look_slower_and_the_engine_is_a_part() -> None:
    found = latency_us({"slow": timed(4000), "quick": timed(400)})
    assert found["slow"]["p50"] > 3 * found["quick"]["p50"]
    for entry in found.values():
        assert 0 < entry["p50"] <= entry["p99"]
        assert entry["engine_p50"] < entry["p50"]
        assert entry["n"] == 400


def test_the_clocks_own_time_is_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 10**9, 50))  # a clock that takes 50 ns a reading, and calls that take none
    monkeypatch.setattr(latency, "perf_counter_ns", lambda: next(ticks))
    assert latency_us({"instant": timed(1)}, cold_rows=7)["instant"]["cold_p99"] == 0
    assert latency_us({"instant": timed(1)}, cold_rows=0)["instant"]["p99"] == 0


def test_rows_with_cold_caches_are_spread_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "EMPTYING_BYTES", 800)
    called: list[int] = []
    found = latency._with_cold_caches({"a": (lambda row: called.append(row) or 0.0, range(100))}, 90, 10)
    assert len(found["a"]) == len(called) == 10
    assert (called[0], called[-1]) == (0, 89)
    for rows, taken in ((3, 3), (5, 3)):
        assert len(latency._with_cold_caches({"a": (lambda _: 0.0, range(100))}, 3, rows)["a"]) == taken


def test_empty_caches_cost_time() -> None:
    table = np.arange(2**17, dtype=np.float64)
    reading = SimpleNamespace(score_one=lambda _: float(table.sum()), engine=SimpleNamespace(predict_one=lambda _: 0.0))
    reading.encoder = SimpleNamespace(encode_one=lambda row: row)
    found = latency_us({"reading": Timed(reading, [{}] * 300)}, cold_rows=60)["reading"]
    assert found["cold_p50"] > found["p50"]
    assert found["cold_n"] == 60


def test_scorers_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "WARM_UP_ROWS", 0)
    monkeypatch.setattr(latency, "ROUNDS", 1)
    called: list[str] = []
    calls = {name: ((lambda _row, name=name: called.append(name) or 0.0), [1, 2]) for name in ("a", "b")}
    latency._take_turns(calls, 2)
    assert called == ["a", "b", "b", "a"]


def test_a_pause_counts_and_the_figure_that_leaves_it_out_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "WARM_UP_ROWS", 0)
    monkeypatch.setattr(latency, "CLOCK_READINGS", 10)
    ticks = iter(np.cumsum([0, 10_000] * 30 + [0, 900_000] * 30 + [0, 20_000] * 30 + [0, 0] * 100).tolist())
    monkeypatch.setattr(latency, "perf_counter_ns", lambda: next(ticks))
    found = latency_us({"paused": replace(timed(1), rows=[{"row": row} for row in range(30)])}, cold_rows=0)["paused"]
    assert (found["p99"], found["p99_of_row_medians"]) == (900, 20)
    assert (found["n"], found["n_timings"]) == (30, 90)


def test_throughput_is_that_of_batches_of_each_size() -> None:
    sizes: list[int] = []
    scorer: Any = SimpleNamespace(score=lambda batch: sizes.append(len(batch["x"])))
    found = batch_rows_per_s(scorer, {"x": np.arange(250.0)}, sizes=(1, 100, 10_000))
    assert list(found) == [1, 100, 250]
    assert {size: sizes.count(size) for size in found} == {1: 30, 100: 30, 250: 30}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a program alone")
def test_the_memory_of_the_process_that_starts_another_is_not_counted() -> None:
    held = np.ones(30_000_000)  # 240 MB
    ask = "from models.cold_start import peak_rss_bytes; print(peak_rss_bytes())"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < held.nbytes / 2


PASSED = {"lightgbm": 1e-6, "lleaves": 1e-6}


@pytest.mark.parametrize(
    ("measures", "engines"),
    [
        ({"engine_difference": PASSED}, ["lightgbm", "lleaves"]),
        ({"engine_difference": {**PASSED, "lleaves": 0.1}}, ["lightgbm"]),
        ({"engine_difference": {**PASSED, "lleaves": None}}, ["lightgbm"]),
        ({"engine_difference": PASSED, "latency_us": {"p50": 9.0}}, ["lightgbm"]),
        ({}, ["lightgbm"]),
    ],
)
def test_engines_that_passed_the_check_are_timed(
    measures: dict[str, Any],
    engines: list[str],
    candidates: dict[str, FittedCandidate],
    write: Callable[[FittedCandidate, str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.measure.installed", lambda engine: engine in PASSED)
    folder = write(candidates["lightgbm"], "bundle")
    put_measures(folder, measures)
    assert engines_of(folder) == engines
    monkeypatch.setattr("models.measure.installed", lambda engine: engine == "lightgbm")
    assert engines_of(folder) == ["lightgbm"]


@pytest.mark.parametrize(
    ("p50", "p99", "fastest"),
    [
        (18.0, 24.0, "lightgbm"),  # a tenth: chance
        (15.0, 60.0, "lightgbm"),  # a row in a hundred waits longer
        (20.5, 20.0, "lightgbm"),
        (16.0, 24.0, "lleaves"),
    ],
)
def test_another_engine_serves_only_where_it_is_clearly_faster(p50: float, p99: float, fastest: str) -> None:
    latency = {"lightgbm": {"p50": 20.0, "p99": 30.0}, "lleaves": {"p50": p50, "p99": p99}}
    assert measure_module.fastest_engine(latency) == fastest
    assert measure_module.fastest_engine({"lleaves": latency["lleaves"]}) == "lleaves"


def test_the_fastest_engine_is_named(
    candidates: dict[str, FittedCandidate],
    write: Callable[[FittedCandidate, str], Path],
    holdout_table: pa.Table,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    folder = write(candidates["lightgbm"], "bundle")
    put_measures(folder, {"engine_difference": PASSED})
    load, asked = measure_module.Scorer.load, []
    monkeypatch.setattr("models.measure.installed", lambda _: True)
    monkeypatch.setattr(measure_module.Scorer, "load", lambda bundle, engine: asked.append(engine) or load(bundle))
    times = {"lightgbm": {"p50": 9.0, "p99": 12.0}, "lleaves": {"p50": 6.0, "p99": 8.0}}
    monkeypatch.setattr(measure_module, "latency_us", lambda timed: {key: times[key[1]] for key in timed})
    monkeypatch.setattr(measure_module, "_cold_start", lambda _bundle, _row, engine: {"load_ms": len(engine)})
    pq.write_table(holdout_table, tmp_path / "rows.parquet")
    found = measure_module.measure([folder], [tmp_path / "rows.parquet"])["bundles"][0]
    assert asked == ["lightgbm", "lleaves"]
    assert (found["engine"], found["latency_us"], found["load_ms"]) == ("lleaves", times["lleaves"], 7)
    assert found["engine_latency_us"] == times
    assert put_measures(folder, found)["engine"] == "lleaves"


def test_bundles_are_measured_in_a_fresh_process(
    candidates: dict[str, FittedCandidate],
    write: Callable[[FittedCandidate, str], Path],
    holdout_table: pa.Table,
    schema: FeatureSchema,
    tmp_path: Path,
) -> None:
    names = ["lightgbm", "random_forest"]
    scored = [score_bundle(write(candidates[name], name), holdout_table, schema) for name in names]
    found = measure_scored(scored, tmp_path, latency_rows=300)
    assert found["machine"]["cores"] >= 1
    assert [entry["name"] for entry in found["entries"]] == names
    for entry in found["entries"]:
        assert entry["latency_us"]["n"] == 300
        assert 0 < entry["latency_us"]["p50"] <= entry["latency_us"]["p95"] <= entry["latency_us"]["p99"]
        assert list(entry["batch_rows_per_s_by_size"]) == ["1", "100", "300"]
        assert entry["batch_rows_per_s"] == entry["batch_rows_per_s_by_size"]["300"]
        assert 0 < entry["load_ms"] <= entry["cold_first_score_ms"]  # to a tenth of a millisecond
        assert 0 <= entry["peak_rss_over_numpy_bytes"] < entry["peak_rss_bytes"]
        assert entry["auc_ci"][0] < entry["auc"] < entry["auc_ci"][1]
        assert {"joblib", "serving", entry["serving_format"]} == set(entry["artifact_bytes"])
        assert entry["engine_latency_us"] == {"lightgbm": entry["latency_us"]}
        assert entry["engine"] == "lightgbm"
        assert sum(row["n"] for row in entry["calibration_bins"]) == holdout_table.num_rows
        assert [row["platform"] for row in entry["by_platform"]] == ["android", "ios", "unknown"]
        assert entry["by_cohort"] == []  # the rows do not tell
    assert np.isfinite([entry["log_loss"] for entry in found["entries"]]).all()
