"""What every job shares: its arguments, its progress lines and its exit status."""

from __future__ import annotations

import argparse
import faulthandler
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NoReturn

from pyspark.sql import SparkSession

from jobs.errors import BadInput, Failed, Refused
from jobs.session import make_session

DONE, FAILED, BAD_INPUT, REFUSED = 0, 1, 2, 3


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line, without the usage text."""

    def error(self, message: str) -> NoReturn:
        """Print the complaint and exit with status 2."""
        self.exit(BAD_INPUT, f"{self.prog}: {message}\n")


def iso_day(text: str) -> date:
    """Read a day given as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as YYYY-MM-DD, got {text!r}") from None


def at_least(minimum: int) -> Callable[[str], int]:
    """Give an argument type: a whole number that is not below ``minimum``."""

    def whole_number(text: str) -> int:
        if not text.lstrip("-").isdigit() or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {minimum}, got {text!r}")
        return int(text)

    return whole_number


def job_parser(doc: str | None, *, root: bool = True, ds: bool = True) -> argparse.ArgumentParser:
    """Start the parser of a job: its docstring as help, ``--root``, ``--ds`` and ``--spark-conf``."""
    parser = OneLineParser(
        prog=Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else None,
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if root:
        parser.add_argument("--root", required=True, help="the lake: a folder, or a URI that Spark can write to")
    if ds:
        parser.add_argument("--ds", required=True, type=iso_day, help="the day to process, YYYY-MM-DD")
    parser.add_argument(
        "--spark-conf", action="append", default=[], metavar="KEY=VALUE", help="a Spark setting; may be repeated"
    )
    return parser


def add_tracking_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--tracking-uri``."""
    parser.add_argument("--tracking-uri", metavar="URI", help="an MLflow store (default: mlflow.db below --root)")


def say(message: str) -> None:
    """Print one line of progress to stderr; stdout stays free for results."""
    print(message, file=sys.stderr, flush=True)


def run_job(
    arg_parser: Callable[[], argparse.ArgumentParser], run: Callable[[SparkSession, argparse.Namespace], None]
) -> NoReturn:
    """Run a job as a command and end the process with its exit status (see ``jobs.errors``)."""
    faulthandler.enable()  # where compiled code crashes, say what every thread was at
    parser = arg_parser()
    args = parser.parse_args()
    sys.exit(_status(parser.prog, run, args))


def _status(name: str, run: Callable[[SparkSession, argparse.Namespace], None], args: argparse.Namespace) -> int:
    try:
        spark = make_session(name, args.spark_conf)
        try:
            run(spark, args)
        finally:
            spark.stop()
    except BadInput as error:
        say(f"{name}: {error}")
        return BAD_INPUT
    except Refused as error:
        say(f"{name}: refused: {error}")
        return REFUSED
    except Failed as error:
        say(f"{name}: failed: {error}")
        return FAILED
    return DONE
