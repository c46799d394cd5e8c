"""These tests run where Airflow is: .venv-airflow/bin/pytest tests/dags. Elsewhere they are passed over."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.sdk import DAG

REPOSITORY = Path(__file__).resolve().parents[2]
AIRFLOW_IS_HERE = importlib.util.find_spec("airflow") is not None
collect_ignore_glob = [] if AIRFLOW_IS_HERE else ["test_*.py"]


def pytest_configure() -> None:
    """Give Airflow, which reads its settings when imported, a home of its own and a Spark connection."""
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-")
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "false"
    os.environ["AIRFLOW_CONN_PUSHCLICK_SPARK"] = '{"conn_type": "spark", "host": "local[2]"}'


def pytest_unconfigure() -> None:
    """Remove Airflow's home."""
    shutil.rmtree(os.environ["AIRFLOW_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def dag() -> DAG:
    """Give the one DAG, parsed as Airflow parses it."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(REPOSITORY / "dags")
    assert bag.import_errors == {}
    return bag.dags["push_click_daily"]
