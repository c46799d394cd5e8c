"""The chain for real: `airflow dags test` runs every step on a small lake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.quick_java import QUICK_JAVA

REPOSITORY = Path(__file__).resolve().parents[2]
JOBS_PYTHON = REPOSITORY / ".venv" / "bin" / "python"
AIRFLOW = Path(sys.executable).with_name("airflow")
LAST_DAY = "2026-01-20"
THE_DAY_AFTER = "2026-01-21"
STEP_MINUTES = 10
RUN_MINUTES = 30


def run(*words: object, **env: object) -> None:
    """Run a command; one that hangs is ended with all that it started, so that its output can be read."""
    everything = {**os.environ, **{name: str(value) for name, value in env.items()}}
    command = [str(word) for word in words]
    with subprocess.Popen(
        command, env=everything, cwd=REPOSITORY, stdout=-1, stderr=-2, text=True, start_new_session=True
    ) as started:
        try:
            output, _ = started.communicate(timeout=RUN_MINUTES * 60)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            output, _ = started.communicate()
            pytest.fail(f"{command[0]} did not end within {RUN_MINUTES} minutes: {output[-8000:]}")
    assert started.returncode == 0, output[-8000:]


@pytest.mark.slow
def test_a_real_run(tmp_path: Path) -> None:
    logs, root = tmp_path / "logs", tmp_path / "lake"
    quick = {"JDK_JAVA_OPTIONS": QUICK_JAVA}
    run(
        JOBS_PYTHON,
        "-m",
        "jobs.simulate_logs",
        "--output",
        logs,
        "--users",
        400,
        "--days",
        20,
        "--sends",
        12_000,  # with half of them, chance decides whether a model beats a constant
        **quick,
    )
    parameters = {
        "root": str(root),
        "mapping": "simulator",
        "input": str(logs),
        "gates": str(Path(__file__).parents[1] / "lenient_gates.toml"),
        "train_days": 9,
        "validation_days": 3,
        "holdout_days": 3,
    }
    env = {
        "AIRFLOW_HOME": tmp_path / "airflow",
        "AIRFLOW__CORE__DAGS_FOLDER": REPOSITORY / "dags",
        "PUSHCLICK_STEP_MINUTES": STEP_MINUTES,
        **quick,
    }
    run(AIRFLOW, "db", "migrate", **env)
    run(AIRFLOW, "dags", "test", "push_click_daily", THE_DAY_AFTER, "--conf", json.dumps(parameters), **env)

    metrics = json.loads((root / "reports" / f"ds={LAST_DAY}" / "metrics.json").read_text())
    assert metrics["ds"] == LAST_DAY
    assert metrics["published"]
    assert (root / "reports" / f"ds={LAST_DAY}" / "report.html").exists()
    assert (root / "scores").is_dir()
