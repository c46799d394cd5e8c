"""The wheel in an environment of its own: with its few requirements it scores as the repository does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from models.candidates import FittedCandidate
from models.serving import Scorer

REPOSITORY = Path(__file__).resolve().parents[3]
LOCK = REPOSITORY / "jobs" / "requirements.lock"
SCRIPT = """
import json, sys
from pushclick import Scorer
scorer = Scorer.load(sys.argv[1])
rows = json.load(open(sys.argv[2]))
batch = {name: [row[name] for row in rows] for name in scorer.encoder.raw_columns}
print(json.dumps([[scorer.score_one(row) for row in rows], scorer.score(batch).tolist()]))
"""


def run(*words: object, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and what it requires; gives its interpreter."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(REPOSITORY / "models" / "serving", folder / "models" / "serving")
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", "dist", ".", cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    run(sys.executable, "-m", "venv", folder / "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--constraint", LOCK, f"{wheel}[lightgbm]", cwd=folder)
    return python


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic", "lightgbm", "random_forest"])
def test_a_service_scores_as_the_repository_does(
    name: str,
    service: Path,
    holdout_table: pa.Table,
    candidates: dict[str, FittedCandidate],
    write: Callable[[FittedCandidate, str], Path],
    tmp_path: Path,
) -> None:
    bundle = write(candidates[name], name)
    scorer = Scorer.load(bundle)
    rows: list[dict[str, Any]] = holdout_table.slice(0, 300).select(scorer.encoder.raw_columns).to_pylist()
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    one_by_one, batch = json.loads(run(service, "-c", SCRIPT, bundle, tmp_path / "rows.json", cwd=tmp_path))
    assert one_by_one == [scorer.score_one(row) for row in rows]
    assert batch == pytest.approx(one_by_one, abs=1e-15)
