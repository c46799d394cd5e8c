"""Reading the user's own files as a mapping says."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from contextlib import contextmanager

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from features.validation import MAPPED
from jobs.errors import BadInput
from jobs.mapping import Mapping
from jobs.shuffle_partitions import fit_partitions

RAW_ROW = "raw_row"


def read_sources(spark: SparkSession, mapping: Mapping, root: str) -> dict[str, DataFrame]:
    """Read the source of each contract table as it lies there.

    Raises
    ------
    BadInput
        When a source is missing or empty.
    """
    with session_zone(spark, mapping.time.zone):
        return {table: _read(spark, mapping, table, root) for table in mapping.tables}


def check_columns(mapping: Mapping, sources: MappingType[str, DataFrame], root: str) -> None:
    """Stop when sources lack columns that the mapping names; all of them are told at once.

    Raises
    ------
    BadInput
        Then.
    """
    told = []
    for table, raw in sources.items():
        lacking = [f"{name} (for {use})" for use, text in _expressions(mapping, table) for name in _missing(raw, text)]
        if lacking:
            where = _path(mapping, table, root)
            told.append(f"table {table}: {where} lacks {', '.join(lacking)}, and has {', '.join(raw.columns)}")
    if told:
        raise BadInput(f"mapping {mapping.name}, {'; '.join(told)}")


def mapped(raw: DataFrame, mapping: Mapping, table: str, root: str) -> DataFrame:
    """Evaluate the mapping's expressions for one contract table.

    Returns
    -------
    DataFrame
        ``mapped_NAME`` for each mapped column, of whatever type its expression has, and ``raw_row``: the row as it lies
        in the source (a struct).

    Raises
    ------
    BadInput
        When an expression does not parse or does not fit the source.
    """
    section, path = mapping.tables[table], _path(mapping, table, root)
    where = f"mapping {mapping.name}, table {table}"
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


def _path(mapping: Mapping, table: str, root: str) -> str:
    return "/".join(part for part in (root.rstrip("/"), mapping.tables[table].source) if part)


def _read(spark: SparkSession, mapping: Mapping, table: str, root: str) -> DataFrame:
    section, path, where = mapping.tables[table], _path(mapping, table, root), f"mapping {mapping.name}, table {table}"
    try:
        raw = spark.read.format(section.format).options(**section.options).load(path)
    except AnalysisException as error:
        raise BadInput(f"{where}: cannot read {path}: {_first_line(error)}") from None
    if not raw.columns:
        raise BadInput(f"{where}: {path} is empty, expected {section.format} with columns")
    fit_partitions(raw)
    return raw


def _expressions(mapping: Mapping, table: str) -> list[tuple[str, str]]:
    """Give what a section says of its source, with what for."""
    section = mapping.tables[table]
    return [*section.columns.items(), *([("where", section.where)] if section.where else [])]


def _missing(raw: DataFrame, expression: str) -> list[str]:
    """Name the columns that an expression asks for in vain; Spark names one at a time."""
    names: list[str] = []
    while True:
        try:
            raw.select(F.expr(expression))
        except ParseException:
            return names
        except AnalysisException as error:
            is_missing = (error.getCondition() or "").startswith("UNRESOLVED_COLUMN")
            name = (error.getMessageParameters() or {}).get("objectName", "").replace("`", "") if is_missing else ""
            if not name or name in names:
                return names
            names.append(name)
            raw = raw.withColumn(name, F.lit(None))
        else:
            return names


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
