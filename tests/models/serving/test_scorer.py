"""One scorer, many threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from models.candidates import FittedCandidate
from models.serving import Scorer

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
