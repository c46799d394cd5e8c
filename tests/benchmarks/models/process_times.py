"""CPU time of the processes that this one started, as Linux counts it."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PARENT, OWN, STARTED = 1, slice(11, 13), 19
"""Places in ``/proc/PID/stat`` after the name: user and system time, and when the process started."""

_SEEN: dict[tuple[int, str], tuple[str, float]] = {}
"""Each process by its number and start, as it was last seen: one that ended keeps what it had taken by then."""


def cpu_seconds_below(process: int) -> dict[str, float]:
    """Give the CPU seconds of all descendants of a process that were ever seen here, by the names of their programs."""
    children, stats = defaultdict(list), {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (stat := _stat(folder)):
            stats[int(folder.name)] = stat
            children[int(stat[1][PARENT])].append(int(folder.name))
    below = list(children[process])
    while below:
        one = below.pop()
        below += children[one]
        name, fields = stats[one]
        _SEEN[one, fields[STARTED]] = name, sum(map(int, fields[OWN])) * TICK_S
    found: dict[str, float] = defaultdict(float)
    for name, taken in _SEEN.values():
        found[name] += taken
    return dict(found)


def _stat(folder: Path) -> tuple[str, list[str]] | None:
    try:
        name, _, fields = (folder / "stat").read_text().partition("(")[2].rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return None  # it ended meanwhile
    return name, fields.split()
