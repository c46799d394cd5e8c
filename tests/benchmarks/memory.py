"""How much memory a process's descendants take: the JVM, and all Python workers together.

Resident memory, looked at ten times a second; what forked workers share is split between them (PSS).
"""

from __future__ import annotations

import threading
from pathlib import Path


class PeakMemory(threading.Thread):
    """Watches this process's descendants, in MiB; use it in a ``with`` block."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.jvm = self.workers = 0.0
        self.over = threading.Event()

    def __enter__(self) -> PeakMemory:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        me = Path("/proc/self").resolve().name
        while not self.over.wait(0.1):
            java, python = 0.0, 0.0
            for pid in descendants(int(me)):
                try:
                    is_java = "java" in Path(f"/proc/{pid}/comm").read_text()
                    size = memory_of(pid)
                except (FileNotFoundError, ProcessLookupError, PermissionError):
                    continue  # it ended meanwhile
                java, python = (java + size, python) if is_java else (java, python + size)
            self.jvm, self.workers = max(self.jvm, java), max(self.workers, python)


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def memory_of(pid: int) -> float:
    """Give the resident memory of a process, without the others' parts of what it shares, in MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))
