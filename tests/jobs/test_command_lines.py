"""Every job answers as a command, by spark-submit too and out of the zip, and takes what the DAG gives it."""

from __future__ import annotations

import importlib
import os
import shlex
import subprocess
import sys
import sysconfig
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from jobs.errors import BadInput
from tests.quick_java import QUICK_JAVA

REPOSITORY = Path(__file__).resolve().parents[2]
SPARK_SUBMIT = Path(sys.executable).with_name("spark-submit")
COMMANDS = sorted(path for path in (REPOSITORY / "jobs").glob("*.py") if "__main__" in path.read_text())
DAG_LINES = (REPOSITORY / "tests" / "dags" / "golden" / "command_lines.txt").read_text().splitlines()


def run(*words: object, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in words]
    return subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def parser_of(job: str) -> ArgumentParser:
    parser: ArgumentParser = importlib.import_module(f"jobs.{job}").arg_parser()
    return parser


def test_help(golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Golden files; rebuild them with REBUILD_GOLDEN=1."""
    monkeypatch.setenv("COLUMNS", "100")
    for path in COMMANDS:
        monkeypatch.setattr(sys, "argv", [str(path)])
        golden(f"{path.stem}.txt", parser_of(path.stem).format_help())


def test_help_by_spark_submit(tmp_path: Path) -> None:
    """One submission asks every job, because each would take a JVM of its own."""
    ask = tmp_path / "ask.py"
    ask.write_text(
        "import runpy, sys\n"
        "for path in sys.argv[1:]:\n"
        "    sys.argv = [path, '--help']\n"
        "    try:\n"
        "        runpy.run_path(path, run_name='__main__')\n"
        "    except SystemExit as end:\n"
        "        assert end.code == 0, path\n"
    )
    answer = run(SPARK_SUBMIT, ask, *COMMANDS, cwd=tmp_path, COLUMNS="100")
    golden = "".join((Path(__file__).parent / "golden" / f"{path.stem}.txt").read_text() for path in COMMANDS)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == golden


@pytest.mark.parametrize("line", DAG_LINES, ids=lambda line: line.split("jobs")[1])
def test_jobs_take_what_the_dag_gives_them(line: str) -> None:
    before, _, after = line.partition("jobs/" if "jobs/" in line else "-m jobs.")
    job, *arguments = shlex.split(after)
    assert before
    assert parser_of(job.removesuffix(".py")).parse_args(arguments).ds == date(2026, 2, 28)


def test_bad_arguments_are_one_line_and_exit_2(tmp_path: Path) -> None:
    """spark-submit passes on a job's exit status; it also puts a job's stderr into its own stdout."""
    job = REPOSITORY / "jobs" / "aggregate_day.py"
    answer = run(SPARK_SUBMIT, job, "--root", "lake", "--ds", "yesterday", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stdout == "aggregate_day: argument --ds: expected a day as YYYY-MM-DD, got 'yesterday'\n"
    assert list(tmp_path.iterdir()) == []


def test_a_job_runs_out_of_the_zip(tmp_path: Path) -> None:
    """On a cluster nothing but the zip holds the rooms, with their code and their data files."""
    packed, elsewhere, python = (
        tmp_path / "jobs.zip",
        tmp_path / "elsewhere",
        tmp_path / "venv" / "bin" / "python",
    )
    run(sys.executable, REPOSITORY / ".ci" / "pack.py", packed, cwd=REPOSITORY)
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).stdout.strip()
    Path(site, "libraries.pth").write_text(sysconfig.get_path("purelib"))  # its own .pth files are not read
    elsewhere.mkdir()
    (elsewhere / "ingest.py").write_bytes((REPOSITORY / "jobs" / "ingest_logs.py").read_bytes())
    (elsewhere / "log.csv").write_text(
        "impression_id,impression_time,user_id,app_code,os_version,is_4G,is_click\n"
        "a,2018-11-15 00:00:00,1,422,old,0,0\n"
        "b,2018-11-15 00:01:00,2,467,latest,1,1\n"
    )
    arguments = ("--root", "lake", "--ds", "2018-11-15", "--mapping", "wns2019", "--input", "log.csv")
    assert run(python, "-c", "import jobs", cwd=elsewhere).returncode == 1

    quick = ("--driver-java-options", QUICK_JAVA, "--conf", "spark.sql.shuffle.partitions=1")
    submitted = (SPARK_SUBMIT, "--master", "local[1]", *quick, "--py-files", packed, "ingest.py", *arguments)
    answer = run(*submitted, cwd=elsewhere, PYSPARK_PYTHON=str(python), PYTHONPATH="")

    assert answer.returncode == 0, answer.stderr
    assert (elsewhere / "lake" / "sends").is_dir()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--dropout 2", "dropout is 2.0"),
        ("--k 99", "k is 99, expected at most"),
        ("--click-weight -1", "click_weight is -1.0, expected 0"),
        ("--rows-in-memory 9 --processes 2", "expected --processes 1, got 2"),
    ],
)
def test_an_embedding_that_cannot_be_is_refused_before_anything_is_read(given: str, said: str) -> None:
    arguments = parser_of("train_embedding").parse_args(f"--root nowhere --ds 2026-01-01 {given}".split())

    with pytest.raises(BadInput, match=said):
        importlib.import_module("jobs.train_embedding").run(None, arguments)
