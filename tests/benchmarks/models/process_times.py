"""CPU time of the processes that this one started, as Linux counts it."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PARENT, OWN_AND_ENDED = 1, slice(11, 15)
"""Places in ``/proc/PID/stat`` after the name: user and system time, and those of children that have ended."""


def cpu_seconds_below(process: int) -> dict[str, float]:
    """Give the CPU seconds of all descendants of a process so far, by the names of their programs."""
    children, seconds = defaultdict(list), {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (stat := _stat(folder)):
            name, fields = stat
            children[int(fields[PARENT])].append(int(folder.name))
            seconds[int(folder.name)] = (name, sum(map(int, fields[OWN_AND_ENDED])) * TICK_S)
    found: dict[str, float] = defaultdict(float)
    below = list(children[process])
    while below:
        one = below.pop()
        below += children[one]
        name, taken = seconds[one]
        found[name] += taken
    return dict(found)


def _stat(folder: Path) -> tuple[str, list[str]] | None:
    try:
        name, _, fields = (folder / "stat").read_text().partition("(")[2].rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return None  # it ended meanwhile
    return name, fields.split()
