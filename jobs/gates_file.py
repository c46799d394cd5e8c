"""The gates file: limits as TOML, checked when read."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from pydantic import ValidationError

from jobs.errors import BadInput
from jobs.toml_file import read_toml
from models.gate_rules import Rules


def read_gates(path: str | None = None) -> Rules:
    """Read the rules of a gates file.

    Parameters
    ----------
    path : str, optional
        A TOML file; by default the one that is shipped beside the jobs.

    Raises
    ------
    BadInput
        When it cannot be read, is no TOML, lacks a rule, has an unknown one, or a limit of the wrong kind.
    """
    source = Path(path) if path else resources.files("jobs").joinpath("gates.toml")
    try:
        return Rules.model_validate(read_toml("gates file", source))
    except ValidationError as error:
        raise BadInput(f"gates file {source}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """Say in one line what is wrong with the first wrong rule."""
    wrong = error.errors()[0]
    rule = ".".join(str(part) for part in wrong["loc"])
    if wrong["type"] == "missing":
        return f"rule {rule!r} is missing"
    if wrong["type"] == "extra_forbidden":
        return f"unknown rule {rule!r}; known are {', '.join(Rules.model_fields)}"
    return f"rule {rule!r}: {wrong['msg'].lower()}, got {wrong['input']!r}"
