"""The DAG: what it holds, in which order, and what each step would run."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.exceptions import AirflowException
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, BaseOperator, RetryAction, TriggerRule
from airflow.sdk.execution_time import macros

REPOSITORY = Path(__file__).resolve().parents[2]
ORDER = [
    "ingest_logs",
    "aggregate_day",
    "build_features",
    "train_embedding",
    "encode_training",
    "build_training_set",
    "train_click_models",
    "measure_models",
    "publish_model",
    "encode_audience",
    "score_users",
    "draw_learning_curve",
    "weigh_blocks",
    "describe_embedding",
    "report_models",
    "prune_lake",
]
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


def rendered(task: BaseOperator, *, logical_date: datetime | None = MIDNIGHT, **given: Any) -> BaseOperator:
    """Render a step as a run with all steps would, with these parameters given."""
    params = {name: param.resolve() for name, param in task.dag.params.items()} | {"whole_report": True} | given
    run = SimpleNamespace(logical_date=logical_date, run_after=datetime(2026, 3, 9, 5, tzinfo=UTC))
    step = task.prepare_for_execution()
    step.render_template_fields({"params": params, "dag_run": run, "macros": macros})
    return step


def command_line(step: BaseOperator, folder: Path) -> list[str]:
    """Give the words that a rendered step would run."""
    if isinstance(step, SparkSubmitOperator):
        return step._get_hook()._build_spark_submit_command(step.application)
    echo = folder / "echo"
    echo.write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n')
    echo.chmod(0o755)
    env = {**step.env, "PUSHCLICK_PYTHON": str(echo)}
    words = subprocess.run(["bash", "-c", step.bash_command], env=env, cwd=folder, stdout=-1, check=True)
    return [step.env["PUSHCLICK_PYTHON"], *words.stdout.decode().split("\0")[:-1]]


def value_of(words: list[str], flag: str) -> str:
    return words[words.index(flag) + 1]


def test_the_folder_holds_this_dag_and_no_other() -> None:
    assert list(DagBag(REPOSITORY / "dags").dags) == ["push_click_daily"]


def test_steps_run_one_after_the_other(dag: DAG) -> None:
    assert [task.task_id for task in dag.topological_sort()] == ORDER
    for before, task in pairwise(ORDER):
        assert dag.get_task(task).upstream_task_ids == {before}


def test_every_step_has_owner_words_retries_and_a_limit(dag: DAG) -> None:
    assert dag.doc_md
    assert dag.tags
    assert not dag.catchup
    assert dag.max_active_runs == 1
    for task in dag.tasks:
        assert task.owner == "pushclick"
        assert task.doc_md
        assert task.retries == 2
        assert task.retry_exponential_backoff > 1
        assert task.execution_timeout <= timedelta(hours=2)


@pytest.mark.parametrize("task_id", ORDER)
def test_every_step_renders_and_nothing_may_be_undefined(dag: DAG, task_id: str) -> None:
    assert dag.template_undefined is jinja2.StrictUndefined
    step = rendered(dag.get_task(task_id))
    assert "{{" not in str([getattr(step, field) for field in step.template_fields])


def test_command_lines(dag: DAG, tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    """Golden file; rebuild it with REBUILD_GOLDEN=1."""
    given = {
        "root": "/lake",
        "input": "/logs",
        "gates": "/my gates.toml",
        "tracking_uri": "http://mlflow:5000",
        "holdout_days": 5,
    }
    lines = [shlex.join(command_line(rendered(task, **given), tmp_path)) for task in dag.topological_sort()]
    golden("command_lines.txt", "\n".join(lines).replace(str(REPOSITORY), "CHECKOUT") + "\n")


@pytest.mark.parametrize("task_id", ORDER)
def test_the_day_is_the_one_before_the_logical_date(dag: DAG, task_id: str, tmp_path: Path) -> None:
    assert value_of(command_line(rendered(dag.get_task(task_id)), tmp_path), "--ds") == "2026-02-28"


def test_the_day_can_be_given(dag: DAG, tmp_path: Path) -> None:
    for task in dag.tasks:
        words = command_line(rendered(task, ds="2025-07-14"), tmp_path)
        assert value_of(words, "--ds") == "2025-07-14"


def test_a_run_without_logical_date_takes_the_day_before_it_may_start(dag: DAG, tmp_path: Path) -> None:
    step = rendered(dag.get_task("score_users"), logical_date=None)
    assert value_of(command_line(step, tmp_path), "--ds") == "2026-03-08"


def test_what_is_not_given_is_left_to_the_job(dag: DAG, tmp_path: Path) -> None:
    for task_id in ("publish_model", "score_users"):
        words = command_line(rendered(dag.get_task(task_id), gates=None, tracking_uri=""), tmp_path)
        assert not {"--gates", "--tracking-uri", ""} & set(words)


def test_a_value_is_never_read_as_shell(dag: DAG, tmp_path: Path) -> None:
    nasty = '/my "lake"; $(touch bad) `touch bad`\'s'
    for task in dag.tasks:
        assert value_of(command_line(rendered(task, root=nasty), tmp_path), "--root") == nasty
    assert not (tmp_path / "bad").exists()


def test_a_refusal_is_a_skipped_step_and_the_rest_goes_on(dag: DAG) -> None:
    publish = dag.get_task("publish_model")
    assert isinstance(publish, BashOperator)
    assert list(publish.skip_on_exit_code) == [3]
    assert {dag.get_task(task).trigger_rule for task in publish.downstream_task_ids} == {TriggerRule.NONE_FAILED}


def test_what_the_whole_report_takes_is_skipped_unless_asked_for(dag: DAG, tmp_path: Path) -> None:
    curve = dag.get_task("draw_learning_curve")
    with pytest.raises(subprocess.CalledProcessError) as ended:
        command_line(rendered(curve, whole_report=False), tmp_path)
    assert [ended.value.returncode] == list(curve.skip_on_exit_code)
    rules = [dag.get_task(task).trigger_rule for task in ("weigh_blocks", "describe_embedding", "report_models")]
    assert rules == [TriggerRule.ALL_SUCCESS, TriggerRule.ALL_SUCCESS, TriggerRule.NONE_FAILED]


@pytest.mark.parametrize(
    ("message", "action"),
    [
        ("Cannot execute: spark-submit --master local[2]. Error code is: 2.", RetryAction.FAIL),
        ("Bash command failed. The command returned a non-zero exit code 2.", RetryAction.FAIL),
        ("Cannot execute: spark-submit --master local[2]. Error code is: 1.", RetryAction.DEFAULT),
        ("Bash command failed. The command returned a non-zero exit code 137.", RetryAction.DEFAULT),
    ],
)
def test_bad_input_is_not_tried_again(dag: DAG, message: str, action: RetryAction) -> None:
    for task in dag.tasks:
        assert task.retry_policy.evaluate(AirflowException(message), try_number=1, max_tries=2).action is action


def test_parsing_is_quick_and_imports_nothing_heavy() -> None:
    program = """
import sys, time
import airflow.sdk
import airflow.providers.apache.spark.operators.spark_submit
import airflow.providers.standard.operators.bash
start = time.perf_counter()
import dags.push_click_daily
print(time.perf_counter() - start)
print(*{"pyspark", "pandas", "numpy", "torch", "sklearn", "lightgbm", "mlflow"} & set(sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, stdout=-1, text=True, check=True)
    seconds, *heavy = run.stdout.splitlines()[-2:]
    assert float(seconds) < 1
    assert heavy == [""]
