"""What every job does as a command, whatever its work."""

from __future__ import annotations

import signal
import subprocess
import sys

CRASHES = """
import os, signal
from unittest.mock import Mock
from jobs import cli

def compiled_code(spark, args):
    os.kill(os.getpid(), signal.SIGFPE)

cli.make_session = Mock()
cli.run_job(lambda: cli.job_parser("crash"), compiled_code)
"""


def test_a_crash_of_compiled_code_says_where() -> None:
    command = [sys.executable, "-c", CRASHES, "--root", "lake", "--ds", "2026-02-11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGFPE
    assert "Fatal Python error: Floating point exception" in done.stderr
    assert "in compiled_code" in done.stderr
