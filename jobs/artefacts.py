"""Artefacts of a day: folders, replaced whole as partitions of tables are, and JSON values."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from jobs.errors import BadInput
from jobs.pointers import Pointers, new_write
from jobs.storage import is_local


class Artefacts(Pointers):
    """Artefacts below one root, see ``Pointers``."""

    def put_folder(self, name: str, ds: date, local: Path) -> None:
        """Store a local folder as the artefact ``name`` of a day, in place of the one before."""
        write = new_write()
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
