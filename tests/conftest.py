"""One Spark session for a whole test run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """Give a local session: 2 threads, 4 shuffle partitions, UTC, no UI."""
    from jobs.session import make_session

    session = make_session("tests", ["spark.master=local[2]", "spark.sql.shuffle.partitions=4", "spark.driver.memory=2g"])
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
