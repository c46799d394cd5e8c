"""The lake: Parquet tables and artefact folders, one partition a day, each replaced whole.

``ROOT/TABLE/write=ID/ds=DAY/*.parquet`` are immutable; ``ROOT/TABLE/_current/ds=DAY`` is a pointer, a small text file
with the name of the write that holds the day. The pointer is replaced last, so a job that is killed half-way leaves
the day as it was. Readers follow the pointers; nobody else needs to know about them.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, StructField, StructType

from jobs.errors import BadInput
from jobs.shuffle_partitions import fit_partitions
from jobs.storage import absolute, is_local, storage_of

SCHEMA_FILE = "_schema.json"
GROUP_ROWS, MOST = "parquet.block.row.count.limit", 2**31 - 1
"""Parquet's option for the rows of a row group, and its default."""


class Lake:
    """Tables and artefacts below one root.

    Parameters
    ----------
    spark : SparkSession
        The session that reads and writes.
    root : str
        A folder, or a URI of any file system that Spark's Hadoop layer takes.
    """

    def __init__(self, spark: SparkSession, root: str) -> None:
        self.root = absolute(root)
        self.storage = storage_of(spark, self.root)
        self._spark = spark

    def days(self, table: str) -> list[date]:
        """Days of a table that were written, sorted; empty when the table is not there."""
        names = self.storage.names(f"{self.root}/{table}/_current")
        return [date.fromisoformat(name.removeprefix("ds=")) for name in names if name.startswith("ds=")]

    def tables(self, family: str = "") -> list[str]:
        """Names of all tables and artefact folders, sorted; with a family, those like ``codes/VERSION``.

        One whose first write was killed is among them, without a day.
        """
        names = [f"{family}/{name}".lstrip("/") for name in self.storage.names(f"{self.root}/{family}")]
        return [name for name in names if self._is_written(name)]

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
        write, days = f"write={uuid.uuid4().hex}", sorted(set(days))
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
        write = f"write={uuid.uuid4().hex}"
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
        days = [day for day in self.days(table) if (since or day) <= day <= (until or day)]
        if not days:
            raise BadInput(f"table {table!r} in {self.root} has no day {_range(since, until)}; run the job before")
        return self._rows(table, days)

    def keep(self, table: str, days: Collection[date]) -> int:
        """Remove all days of a table but these, and the files that no pointer names; count the days removed.

        The pointers go first, so that a reader sees a day whole or not at all. Nobody may write meanwhile.
        """
        gone = [day for day in self.days(table) if day not in days]
        for day in gone:
            self.storage.delete(f"{self.root}/{table}/_current/ds={day}")
        named = [(self._write_of(table, day), f"ds={day}") for day in self.days(table)]
        if not named:
            self.storage.delete(f"{self.root}/{table}")
        for write in self.storage.names(f"{self.root}/{table}"):
            if write.startswith("write="):
                held = {partition for its, partition in named if its == write}
                self._keep_in_write(f"{self.root}/{table}/{write}", held)
        return len(gone)

    def put_folder(self, name: str, ds: date, local: Path) -> None:
        """Store a local folder as the artefact ``name`` of a day, in place of the one before."""
        write = f"write={uuid.uuid4().hex}"
        self.storage.upload(local, f"{self.root}/{name}/{write}/ds={ds}")
        self._point(name, ds, write)

    def get_folder(self, name: str, ds: date) -> Path:
        """Give an artefact folder as a local path (read-only: a local root gives the folder itself).

        Raises
        ------
        BadInput
            When the day has no such artefact.
        """
        if not self.storage.exists(f"{self.root}/{name}/_current/ds={ds}"):
            raise BadInput(f"no {name!r} of {ds} in {self.root}; run the job that makes it first")
        path = f"{self.root}/{name}/{self._write_of(name, ds)}/ds={ds}"
        if is_local(self.root):
            return Path(path)
        local = Path(tempfile.mkdtemp()) / name
        self.storage.download(path, local)
        return local

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
        folder = f"{self.root}/ordered_rows/write={uuid.uuid4().hex}"
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

    def put_json(self, name: str, ds: date, value: object) -> None:
        """Store a JSON value as the artefact ``name`` of a day, in place of the one before."""
        self.storage.replace_text(f"{self.root}/{name}/ds={ds}.json", json.dumps(value, indent=1, sort_keys=True))

    def get_json(self, name: str, ds: date) -> Any:
        """Read a JSON artefact.

        Raises
        ------
        BadInput
            When the day has no such artefact.
        """
        path = f"{self.root}/{name}/ds={ds}.json"
        if not self.storage.exists(path):
            raise BadInput(f"no {name!r} of {ds} in {self.root}; run the job that makes it first")
        return json.loads(self.storage.read_text(path))

    def json_days(self, name: str) -> list[date]:
        """Days that have a JSON artefact, sorted."""
        names = self.storage.names(f"{self.root}/{name}")
        return [
            date.fromisoformat(of_day.removeprefix("ds=").removesuffix(".json"))
            for of_day in names
            if of_day.startswith("ds=")
        ]

    def _rows(self, table: str, days: list[date]) -> DataFrame:
        """Read days, in the columns of the last one."""
        writes = {day: self._write_of(table, day) for day in days}
        schema = self._schema(table, writes[days[-1]])
        held = {write: set(self.storage.names(f"{self.root}/{table}/{write}")) for write in set(writes.values())}
        paths = [f"{self.root}/{table}/{write}/ds={day}" for day, write in writes.items() if f"ds={day}" in held[write]]
        if not paths:
            return self._spark.createDataFrame([], schema)
        rows = self._spark.read.schema(schema).option("basePath", f"{self.root}/{table}").parquet(*paths)
        fit_partitions(rows)
        return rows.drop("write")

    def _is_written(self, name: str) -> bool:
        return any(
            found == "_current" or found.startswith("write=") for found in self.storage.names(f"{self.root}/{name}")
        )

    def _keep_in_write(self, folder: str, partitions: set[str]) -> None:
        if not partitions:
            self.storage.delete(folder)
        for name in self.storage.names(folder):
            if name.startswith("ds=") and name not in partitions:
                self.storage.delete(f"{folder}/{name}")

    def _publish(self, table: str, write: str, schema: StructType, days: Iterable[date]) -> None:
        self.storage.replace_text(f"{self.root}/{table}/{write}/{SCHEMA_FILE}", schema.json())
        for day in days:
            self._point(table, day, write)

    def _point(self, table: str, day: date, write: str) -> None:
        self.storage.replace_text(f"{self.root}/{table}/_current/ds={day}", write)

    def _write_of(self, table: str, day: date) -> str:
        return self.storage.read_text(f"{self.root}/{table}/_current/ds={day}").strip()

    def _schema(self, table: str, write: str) -> StructType:
        text = self.storage.read_text(f"{self.root}/{table}/{write}/{SCHEMA_FILE}")
        return StructType.fromJson(json.loads(text))


def _range(since: date | None, until: date | None) -> str:
    if since == until:
        return f"{since}" if since else "at all"
    return " ".join(f"{word} {day}" for word, day in (("from", since), ("to", until)) if day)
