"""Which write holds a day: partitions of tables and artefact folders, each replaced whole.

``ROOT/TABLE/write=ID/ds=DAY/`` are immutable; ``ROOT/TABLE/_current/ds=DAY`` is a pointer, a small text file with the
name of the write that holds the day. The pointer is replaced last, so a job that is killed half-way leaves the day as
it was. Readers follow the pointers; nobody else needs to know about them.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import date

from jobs.storage import Storage


def new_write() -> str:
    """Name a write."""
    return f"write={uuid.uuid4().hex}"


class Pointers:
    """Partitions below one root.

    Parameters
    ----------
    storage : Storage
        What the root lies on.
    root : str
        Absolute, see ``jobs.storage.absolute``.
    """

    def __init__(self, storage: Storage, root: str) -> None:
        self.storage, self.root = storage, root

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

    def _point(self, table: str, day: date, write: str) -> None:
        self.storage.replace_text(f"{self.root}/{table}/_current/ds={day}", write)

    def _write_of(self, table: str, day: date) -> str:
        return self.storage.read_text(f"{self.root}/{table}/_current/ds={day}").strip()
