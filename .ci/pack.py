"""Pack the rooms that run on a cluster into one zip for ``spark-submit --py-files``.

Usage: pack.py ZIP. The same files give the same bytes.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

ROOMS = ("features", "jobs", "models")
LEFT_OUT = {".pyc", ".lock"}


def packed_files() -> list[Path]:
    """Code and data files of the rooms, relative to the repository root, sorted."""
    found = (path for room in ROOMS for path in Path(room).rglob("*"))
    return sorted(path for path in found if path.is_file() and path.suffix not in LEFT_OUT)


def pack(target: Path) -> None:
    """Write the zip at ``target``; every entry has the same date."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in packed_files():
            entry = zipfile.ZipInfo(path.as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
