"""A real cluster of two executors on this machine, as Spark settings; for a process of its own."""

from __future__ import annotations

from pathlib import Path

from tests.quick_java import QUICK_JAVA

TWO_EXECUTORS = (
    "spark.master=local-cluster[2,1,1024]",
    f"spark.executorEnv.PYTHONPATH={Path(__file__).parents[1]}",
    "spark.driver.memory=1g",
    # Tiny frames, as in the session that tests share.
    "spark.sql.shuffle.partitions=2",
    f"spark.driver.extraJavaOptions={QUICK_JAVA}",
    f"spark.executor.extraJavaOptions={QUICK_JAVA}",
    "spark.sql.codegen.wholeStage=false",
    "spark.sql.codegen.factoryMode=NO_CODEGEN",
)
