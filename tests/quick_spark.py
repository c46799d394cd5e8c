"""Settings for tiny frames, where most of the time is compiling and planning.

What runs without them: a job out of the zip, `spark-submit` of a job, and the ingest that is killed.
"""

JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"
SETTINGS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
