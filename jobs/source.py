"""Reading the user's own files as a mapping says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.validation import MAPPED
from jobs.errors import BadInput
from jobs.mapping import Mapping, TableSection

RAW_ROW = "raw_row"


def read_mapped(spark: SparkSession, mapping: Mapping, table: str, source_root: str) -> DataFrame:
    """Read the source of one contract table and evaluate the mapping's expressions.

    Returns
    -------
    DataFrame
        ``mapped_NAME`` for each mapped column, of whatever type its expression has, and ``raw_row``: the row as it lies
        in the source (a struct).

    Raises
    ------
    BadInput
        When the source is missing or empty, or an expression does not parse or names a column that is not there.
    """
    section = mapping.tables[table]
    path = "/".join(part for part in (source_root.rstrip("/"), section.source) if part)
    where = f"mapping {mapping.name}, table {table}"
    raw = _read(spark, section, path, where)
    kept = raw if section.where is None else _select(raw, f"{where}, where", section.where, path, as_filter=True)
    for name, expression in section.columns.items():
        _select(raw, f"{where}, column {name}", expression, path, as_filter=False)
    columns = [F.expr(expression).alias(MAPPED + name) for name, expression in section.columns.items()]
    if section.distinct:
        return kept.select(*columns).distinct().withColumn(RAW_ROW, F.struct("*"))
    return kept.select(*columns, F.struct("*").alias(RAW_ROW))


@contextmanager
def session_zone(spark: SparkSession, zone: str) -> Iterator[None]:
    """Take times without a zone as the source's; Spark fixes that when an expression is resolved."""
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        yield
    finally:
        spark.conf.set("spark.sql.session.timeZone", before or "UTC")


def _read(spark: SparkSession, section: TableSection, path: str, where: str) -> DataFrame:
    try:
        raw = spark.read.format(section.format).options(**section.options).load(path)
    except AnalysisException as error:
        raise BadInput(f"{where}: cannot read {path}: {_first_line(error)}") from None
    if not raw.columns:
        raise BadInput(f"{where}: {path} is empty, expected {section.format} with columns")
    return raw


def _select(raw: DataFrame, where: str, expression: str, path: str, *, as_filter: bool) -> DataFrame:
    try:
        return raw.where(F.expr(expression)) if as_filter else raw.select(F.expr(expression))
    except ParseException as error:
        raise BadInput(f"{where}: {expression!r} does not parse: {_first_line(error)}") from None
    except AnalysisException as error:
        raise BadInput(
            f"{where}: {expression!r} does not fit {path}, which has the columns {', '.join(raw.columns)}: "
            f"{_first_line(error)}"
        ) from None


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
