"""The lake: Parquet tables, and the artefacts beside them; ``jobs.pointers`` tells how the days of both lie."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, StructField, StructType

from jobs.artefacts import Artefacts
from jobs.errors import BadInput
from jobs.pointers import new_write
from jobs.shuffle_partitions import fit_partitions
from jobs.storage import absolute, is_local, storage_of

SCHEMA_FILE = "_schema.json"
GROUP_ROWS, MOST = "parquet.block.row.count.limit", 2**31 - 1
"""Parquet's option for the rows of a row group, and its default."""


def days_between(first: date, last: date) -> list[date]:
    """Give the days from one to another, both included; none when the last comes before the first."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


class Lake(Artefacts):
    """Tables and artefacts below one root.

    Parameters
    ----------
    spark : SparkSession
        The session that reads and writes.
    root : str
        A folder, or a URI of any file system that Spark's Hadoop layer takes.
    """

    def __init__(self, spark: SparkSession, root: str) -> None:
        root = absolute(root)
        super().__init__(storage_of(spark, root), root)
        self._spark = spark

    def write(
        self, table: str, frame: DataFrame, days: Iterable[date], *,
        by: Sequence[str] = (), group_rows: int = MOST,
    ) -> None:  # fmt: skip
        """Replace whole days of a table.

        Parameters
        ----------
        table : str
            Name of the table.
        frame : DataFrame
            Rows with a ``ds`` column of type DATE, all of them within ``days``.
        days : iterable of date
            The days to replace; one without rows becomes an empty partition.
        by : sequence of str
            Columns that readers filter by. Rows then stay in the partitions of the frame, a file for each, sorted by
            these columns, so that a reader skips row groups; otherwise Spark gathers a day's rows in few files.
        group_rows : int
            Most rows of a row group; by default as many as its bytes allow.
        """
        write, days = new_write(), sorted(set(days))
        folder = f"{self.root}/{table}/{write}"
        columns = [name for name in frame.columns if name != "ds"]
        rows = frame.select(*columns, "ds")
        laid_out = rows.sortWithinPartitions("ds", *by) if by else rows.hint("rebalance", "ds")
        if len(days) == 1:  # straight where it belongs: to part rows by day takes Spark as long as to encode them
            only = laid_out.where(F.col("ds") == F.lit(days[0])).drop("ds")
            only.write.option(GROUP_ROWS, group_rows).parquet(f"{folder}/ds={days[0]}")
        else:
            laid_out.write.option(GROUP_ROWS, group_rows).partitionBy("ds").parquet(folder)
        self._publish(table, write, rows.schema, days)

    def write_files(self, table: str, schema: StructType, day: date, write_files: Callable[[Path], list[str]]) -> None:
        """Replace a day of a table by files that are not Spark's; the root must be local.

        Parameters
        ----------
        table : str
            Name of the table.
        schema : StructType
            Columns of the files.
        day : date
            The day to replace.
        write_files : callable
            Writes Parquet files into a folder, and gives the names of those that are the table's.
        """
        write = new_write()
        folder = Path(self.root, table, write)
        written, of_day = folder / "_written", folder / f"ds={day}"
        written.mkdir(parents=True)
        of_day.mkdir()
        for name in write_files(written):
            (written / name).rename(of_day / name)
        self.storage.delete(str(written))
        self._publish(table, write, StructType([*schema, StructField("ds", DateType())]), [day])

    def change(
        self, table: str, days: Collection[date], change: Callable[[DataFrame], DataFrame], **layout: Any
    ) -> None:
        """Replace whole days of a table by what a function makes of their rows.

        Parameters
        ----------
        table : str
            Name of the table.
        days : collection of date
            Days of the table that were written before.
        change : callable
            Rows with ``ds`` in, rows with the same columns out. Called once for all days with the same schema: what a
            table of many months gained or lost meanwhile stays as it was written.
        **layout
            How the table lies in its files, see `write`.
        """
        alike: dict[StructType, list[date]] = {}
        for day in sorted(days):
            alike.setdefault(self._schema(table, self._write_of(table, day)), []).append(day)
        for of_schema in alike.values():
            self.write(table, change(self._rows(table, of_schema)), of_schema, **layout)

    def read(self, table: str, *, since: date | None = None, until: date | None = None) -> DataFrame:
        """Read the current rows of a table, with their ``ds``.

        Parameters
        ----------
        table : str
            Name of the table.
        since, until : date, optional
            First and last day, both included; all days by default.

        Raises
        ------
        BadInput
            When no day of the table was written in that range.
        """
        days = self._days_in(table, since, until)
        if not days:
            raise BadInput(f"table {table!r} in {self.root} has no day {_range(since, until)}; run the job before")
        return self._rows(table, days)

    def read_files(self, table: str, *, since: date | None = None, until: date | None = None) -> DataFrame:
        """Read the files of a table as they are: ``ds`` (date) and ``content`` (binary, Parquet) of each.

        They hold the rows that `read` gives; there may be none.
        """
        paths = self._paths(table, self._days_in(table, since, until))
        if not paths:
            return self._spark.createDataFrame([], "ds date, content binary")
        files = self._spark.read.format("binaryFile").option("basePath", f"{self.root}/{table}")
        return files.load(paths).select(F.col("ds").cast("date").alias("ds"), "content")

    @contextmanager
    def ordered_files(self, frame: DataFrame, *, group_rows: int) -> Iterator[list[Path]]:
        """Keep rows as local Parquet files, in the frame's order, for as long as the context lasts.

        What a killed job leaves of them goes with the next `keep` of ``ordered_rows``.

        Parameters
        ----------
        frame : DataFrame
            Sorted rows.
        group_rows : int
            Most rows of a row group.
        """
        folder = f"{self.root}/ordered_rows/{new_write()}"
        with tempfile.TemporaryDirectory() as beside:
            try:
                frame.write.option(GROUP_ROWS, group_rows).parquet(folder)
                local = Path(folder)
                if not is_local(self.root):
                    local = Path(beside) / "rows"
                    self.storage.download(folder, local)
                yield sorted(local.glob("*.parquet"))
            finally:
                self.storage.delete(folder)

    def _days_in(self, table: str, since: date | None, until: date | None) -> list[date]:
        return [day for day in self.days(table) if (since or day) <= day <= (until or day)]

    def _paths(self, table: str, days: list[date]) -> list[str]:
        """Give the folders of those days that have rows."""
        writes = {day: self._write_of(table, day) for day in days}
        held = {write: set(self.storage.names(f"{self.root}/{table}/{write}")) for write in set(writes.values())}
        return [f"{self.root}/{table}/{write}/ds={day}" for day, write in writes.items() if f"ds={day}" in held[write]]

    def _rows(self, table: str, days: list[date]) -> DataFrame:
        """Read days, in the columns of the last one."""
        schema, paths = self._schema(table, self._write_of(table, days[-1])), self._paths(table, days)
        if not paths:
            return self._spark.createDataFrame([], schema)
        rows = self._spark.read.schema(schema).option("basePath", f"{self.root}/{table}").parquet(*paths)
        fit_partitions(rows)
        return rows.drop("write")

    def _publish(self, table: str, write: str, schema: StructType, days: Iterable[date]) -> None:
        self.storage.replace_text(f"{self.root}/{table}/{write}/{SCHEMA_FILE}", schema.json())
        for day in days:
            self._point(table, day, write)

    def _schema(self, table: str, write: str) -> StructType:
        text = self.storage.read_text(f"{self.root}/{table}/{write}/{SCHEMA_FILE}")
        return StructType.fromJson(json.loads(text))


def _range(since: date | None, until: date | None) -> str:
    if since == until:
        return f"{since}" if since else "at all"
    return " ".join(f"{word} {day}" for word, day in (("from", since), ("to", until)) if day)
