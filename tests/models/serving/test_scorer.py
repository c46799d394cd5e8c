"""One scorer, many threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from models.bundle import put_measures
from models.candidates import FittedCandidate
from models.serving import Scorer
from models.serving.engines import installed

THREADS = 4


@pytest.mark.parametrize("name", ["logistic", "lightgbm", "random_forest"])
def test_threads_share_a_scorer(
    name: str,
    holdout_table: pa.Table,
    candidates: dict[str, FittedCandidate],
    write: Callable[[FittedCandidate, str], Path],
) -> None:
    scorer = Scorer.load(write(candidates[name], name))
    rows: list[dict[str, Any]] = holdout_table.slice(0, 300).to_pylist()

    def score(_: int) -> list[float]:
        return [scorer.score_one(row) for row in rows * 5]

    alone = score(0)
    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(score, range(THREADS))) == [alone] * THREADS


def test_the_engine_of_the_manifest_serves_where_it_is_installed(
    candidates: dict[str, FittedCandidate],
    write: Callable[[FittedCandidate, str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = write(candidates["lightgbm"], "bundle")
    assert put_measures(folder, {"engine": "lleaves"})["engine"] == "lleaves"
    asked: list[str | None] = []
    monkeypatch.setattr("models.serving.scorer.load_engine", lambda _format, _contents, engine: asked.append(engine))
    for there in (True, False):
        monkeypatch.setattr("models.serving.scorer.installed", lambda _engine, there=there: there)
        Scorer.load(folder)
        Scorer.load(folder, engine="lightgbm")
    assert asked == ["lleaves", "lightgbm", None, "lightgbm"]


def test_what_is_installed_is_known_without_importing_it() -> None:
    assert installed("numpy")
    assert installed("lightgbm")
    assert not installed("no such engine")
