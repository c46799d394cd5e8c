"""What the benchmark of batch scoring stands on: CPU time of other processes, and copies of an audience."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.benchmarks.models.batch_scoring import WHOLE, Taken, _verdicts
from tests.benchmarks.models.process_times import cpu_seconds_below
from tests.benchmarks.models.same_trees import LIGHTGBM

BUSY = "import time\nwhile time.process_time() < 0.5: pass\n"


def python_seconds() -> float:
    return sum(cpu_seconds_below(os.getpid()).values())


def test_cpu_time_of_descendants_is_counted_and_kept_when_they_have_ended() -> None:
    before = python_seconds()
    script = f"{BUSY}print(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert python_seconds() - before > 0.4
        child.communicate(b"\n")
    assert python_seconds() - before > 0.4


@pytest.mark.parametrize(("python", "said"), [(1.0, "kept"), (2.0, "MISSED")])
def test_the_promise_is_held_against_lightgbm(python: float, said: str) -> None:
    text = _verdicts({WHOLE: Taken(jvm=1.5, python=python, wall=9)}, {LIGHTGBM: 2.0})
    assert text.splitlines()[-2].endswith(said)
    assert f"| {(1.5 + python) / 2:.2f} of it |" in text
