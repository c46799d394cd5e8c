"""What tests share: one Spark session for a whole run, and golden files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.quick_java import QUICK_JAVA

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """Give a local session: 2 threads, 4 shuffle partitions, UTC, no UI."""
    from jobs.session import make_session

    settings = [
        "spark.master=local[2]",
        "spark.sql.shuffle.partitions=4",
        "spark.driver.memory=2g",
        # Tiny frames: most of the time is compiling and planning. The DAG's run has only the first of these.
        f"spark.driver.extraJavaOptions={QUICK_JAVA}",
        "spark.sql.codegen.wholeStage=false",
        "spark.sql.codegen.factoryMode=NO_CODEGEN",
    ]
    session = make_session("tests", settings)
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with golden/NAME beside the test; REBUILD_GOLDEN=1 in the environment writes it anew."""
    folder = request.path.parent / "golden"

    def check(name: str, text: str) -> None:
        if os.environ.get("REBUILD_GOLDEN"):
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        assert text == (folder / name).read_text(encoding="utf-8")

    return check
