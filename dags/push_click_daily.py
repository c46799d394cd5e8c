"""Who will click which push: every night from the day's logs to scores, by a model that was measured first.

The Spark connection is `pushclick_spark`; its master may be `local[4]`, `yarn` or any other. The environment
of the DAG processor and the workers may set `PUSHCLICK_JOBS_BIN`, the folder with the `python` and the
`spark-submit` of the jobs (default: `.venv/bin` of this checkout); `PUSHCLICK_PY_FILES`, the zip of
`make package`, for executors on other machines; and `PUSHCLICK_ROOT`, `PUSHCLICK_MAPPING`, `PUSHCLICK_INPUT`,
`PUSHCLICK_GATES` and `PUSHCLICK_TRACKING_URI`, the defaults of the parameters of these names. A step that takes
longer than `PUSHCLICK_STEP_MINUTES` (default: 120) is ended, and tried again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param, RetryDecision, RetryPolicy, TriggerRule, chain

if TYPE_CHECKING:
    from airflow.sdk import Context
    from jinja2 import Environment

HOME = Path(__file__).resolve().parents[1]
JOBS_BIN = Path(os.environ.get("PUSHCLICK_JOBS_BIN", HOME / ".venv" / "bin"))
PY_FILES = os.environ.get("PUSHCLICK_PY_FILES")
DAG_ID = "push_click_daily"
SPARK_CONNECTION = "pushclick_spark"
DRIVER_MEMORY = "4g"
STEP_MINUTES = int(os.environ.get("PUSHCLICK_STEP_MINUTES", "120"))
REFUSED = 3
SKIP = 99
"""Exit status by which a BashOperator says that it was skipped."""
SPLIT = ("train_days", "validation_days", "holdout_days")

DS = "{{ params.ds or macros.ds_add((dag_run.logical_date or dag_run.run_after) | ds, -1) }}"
"""The day to process. The logical date of a daily run is the midnight that ends that day."""


def text(name: str, description: str, *, otherwise: str | None = None) -> Param:
    """Make a parameter that is a text, or empty; its default can be set in the environment."""
    default = os.environ.get(f"PUSHCLICK_{name.upper()}", otherwise)
    return Param(default, type="string" if otherwise else ["null", "string"], description=description)


def number(description: str, *, otherwise: int | None = None) -> Param:
    """Make a parameter that is a positive number, or empty: as many as the jobs take by themselves."""
    kind = "integer" if otherwise else ["null", "integer"]
    return Param(otherwise, type=kind, minimum=1, description=description)


PARAMS = {
    "root": text("root", "The lake: a folder, or a URI that Spark can write to.", otherwise=f"{HOME}/build/lake"),
    "ds": Param(
        None,
        type=["null", "string"],
        format="date",
        description="The day to process; empty: the day before the logical date.",
    ),
    "mapping": text("mapping", "The mapping of the logs: its name, or the path of a file.", otherwise="simulator"),
    "input": text("input", "Where the mapping's sources are.", otherwise=f"{HOME}/build/logs"),
    "gates": text("gates", "A file of gates; empty: the one of the jobs."),
    "tracking_uri": text("tracking_uri", "The MLflow store; empty: the one under a local root."),
    "whole_report": Param(
        False,
        type="boolean",
        description="Draw the learning curve, weigh blocks of features and describe the embedding too.",
    ),
    "train_days": number("At most so many days to learn from."),
    "validation_days": number("Days after those, to choose on."),
    "holdout_days": number("Days after those, which are only measured on."),
    "keep_days": number("Days that the lake keeps at the end of a run.", otherwise=400),
    "keep_versions": number("Versions of the model that it keeps.", otherwise=30),
}


class NoRetryOnBadInput(RetryPolicy):
    """Retry what may pass: exit status 2 of a job (bad arguments or bad input) will not."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002
        max_tries: int,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> RetryDecision:
        """Read the exit status from the operator's message; the exception is the same for any."""
        if re.search(r"Error code is: 2\.|exit code 2\.", str(exception)):
            return RetryDecision.fail("bad input: see the job's last line")
        return RetryDecision.default()


def flag(name: str) -> str:
    """Spell a parameter as an argument: tracking_uri is --tracking-uri."""
    return f"--{name.replace('_', '-')}"


def arguments(options: Sequence[str], fixed: Sequence[str]) -> Callable[..., list[str]]:
    """Make the command line of a Spark step: root, ds, and those parameters of a run that are not empty."""

    def rendered(context: Context, jinja_env: Environment) -> list[str]:
        values: dict[str, Any] = {**context["params"], "ds": jinja_env.from_string(DS).render(**context)}
        given = {name: values[name] for name in ("root", "ds", *options) if values[name]}
        return [part for name in given for part in (flag(name), str(given[name]))] + list(fixed)

    return rendered


def spark_step(
    task_id: str,
    *,
    job: str = "",
    options: Sequence[str] = (),
    fixed: Sequence[str] = (),
    **settings: Any,
) -> SparkSubmitOperator:
    """Make a step that runs jobs/JOB.py (by default the one named like the step) by spark-submit."""
    return SparkSubmitOperator(
        task_id=task_id,
        conn_id=SPARK_CONNECTION,
        spark_binary=str(JOBS_BIN / "spark-submit"),
        application=str(HOME / "jobs" / f"{job or task_id}.py"),
        application_args=arguments(options, fixed),
        py_files=PY_FILES,
        driver_memory=DRIVER_MEMORY,
        name=f"{DAG_ID}.{task_id}",
        **settings,
    )


def python_step(task_id: str, *, options: Sequence[str] = (), only_with: str = "", **settings: Any) -> BashOperator:
    """Make a step that runs a job in the jobs' interpreter; values reach the shell as variables only.

    ``only_with`` names a parameter without which the step is skipped.
    """
    values = {"root": "{{ params.root }}", "ds": DS}
    values |= {name: f"{{{{ params.{name} or '' }}}}" for name in options}
    variable = {name: f"PUSHCLICK_{name.upper()}" for name in values}
    words = " ".join(f'${{{variable[name]}:+{flag(name)} "${variable[name]}"}}' for name in values)
    env = {variable[name]: value for name, value in values.items()} | {"PUSHCLICK_PYTHON": str(JOBS_BIN / "python")}
    skip = ""
    if only_with:
        env["PUSHCLICK_ASKED"] = f"{{{{ params.{only_with} or '' }}}}"
        skip = f'[ -n "$PUSHCLICK_ASKED" ] || exit {SKIP}; '
    return BashOperator(
        task_id=task_id,
        bash_command=f'{skip}exec "$PUSHCLICK_PYTHON" -m jobs.{task_id} {words}',
        env=env,
        append_env=True,
        cwd=str(HOME),
        **settings,
    )


with DAG(
    dag_id=DAG_ID,
    doc_md=__doc__,
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    tags=["push", "click", "spark"],
    default_args={
        "owner": "pushclick",
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(hours=1),
        "retry_policy": NoRetryOnBadInput(),
        "execution_timeout": timedelta(minutes=STEP_MINUTES),
    },
):
    chain(
        spark_step(
            "ingest_logs",
            options=("mapping", "input"),
            doc_md="Raw logs to contract tables. What is rejected goes to quarantine with its reason.",
        ),
        spark_step("aggregate_day", doc_md="Contract tables to daily partials, integers only."),
        spark_step("build_features", doc_md="Partials and change logs to the features of every request."),
        spark_step("train_embedding", options=SPLIT, doc_md="What users do in the app to an embedding version."),
        spark_step(
            "encode_training",
            job="encode_users",
            options=(*SPLIT, "tracking_uri"),
            fixed=("--requests", "training"),
            doc_md="Codes of exactly the training requests.",
        ),
        spark_step("build_training_set", options=SPLIT, doc_md="Labelled rows: features and codes, split by time."),
        python_step("train_click_models", doc_md="The candidates: logistic regression, Random Forest, LightGBM."),
        python_step(
            "measure_models",
            options=("tracking_uri",),
            doc_md="Quality, size and latency of the candidates, and of the champion on the same rows.",
        ),
        python_step(
            "publish_model",
            options=("gates", "tracking_uri"),
            skip_on_exit_code=REFUSED,
            doc_md="The new champion. **Skipped** means that a gate refused, as the log says: "
            "the old champion stays, and the steps after this one go on with it.",
        ),
        spark_step(
            "encode_audience",
            job="encode_users",
            options=("tracking_uri",),
            fixed=("--requests", "audience"),
            trigger_rule=TriggerRule.NONE_FAILED,
            doc_md="Codes of exactly the users who may be sent to.",
        ),
        spark_step("score_users", options=("tracking_uri",), doc_md="P(click) of each request, by the champion."),
        python_step(
            "draw_learning_curve",
            only_with="whole_report",
            doc_md="Quality by number of users. **Skipped**, as are the two steps after it, without `whole_report`.",
        ),
        python_step("weigh_blocks", doc_md="What each block of features adds."),
        python_step("describe_embedding", doc_md="A map of users, and the most used latents in words."),
        python_step(
            "report_models",
            options=("tracking_uri",),
            trigger_rule=TriggerRule.NONE_FAILED,
            doc_md="One HTML page for people, and its figures as JSON, in ROOT/reports.",
        ),
        spark_step(
            "prune_lake",
            options=("keep_days", "keep_versions", "tracking_uri"),
            doc_md="Remove what is older than is kept; never the champion or the one before.",
        ),
    )
