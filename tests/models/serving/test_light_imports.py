"""The scorer loads and scores without the libraries that training needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from models.candidates import FittedCandidate

HEAVY = {"sklearn", "pandas", "torch", "pyspark", "lightgbm", "scipy", "pyarrow", "joblib"}
SCRIPT = """
import sys
from models.serving import Scorer
scorer = Scorer.load(sys.argv[1])
row = dict.fromkeys(scorer.encoder.raw_columns)
assert 0 < scorer.score_one(row) < 1
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("name", ["logistic", "lightgbm", "random_forest"])
def test_scoring_imports_nothing_heavy(
    name: str, candidates: dict[str, FittedCandidate], write: Callable[[FittedCandidate, str], Path]
) -> None:
    bundle = write(candidates[name], name)
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(bundle)], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & (HEAVY | {"onnxruntime"})
