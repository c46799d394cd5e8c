"""The settings file: which candidates are fitted, and with what, as TOML.

One table a candidate, under its name: ``family``, ``codes`` (whether it reads the users' codes; true if not said),
``negatives_kept``, and settings of the family; those that are not said have the family's default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jobs.errors import BadInput
from jobs.toml_file import read_toml
from models.candidates import DEFAULT_CANDIDATES, FAMILIES, CandidateSpec

NAME = re.compile(r"[a-z][a-z0-9_]*")
TAKEN = ("send_id", "user_id", "label")
"""Columns beside the candidates' own in the table of validation predictions."""


def read_candidates(path: str | None = None) -> tuple[CandidateSpec, ...]:
    """Read the candidates of a settings file.

    Parameters
    ----------
    path : str, optional
        A TOML file; by default the product's own candidates.

    Raises
    ------
    BadInput
        When it cannot be read, is no TOML, names no candidate, or one is not right; the message says which.
    """
    if path is None:
        return DEFAULT_CANDIDATES
    tables = read_toml("settings file", Path(path))
    if not tables:
        raise BadInput(f"settings file {path}: expected a table for each candidate, got none")
    try:
        return tuple(_candidate(name, table) for name, table in tables.items())
    except ValueError as error:
        raise BadInput(f"settings file {path}: {error}") from None


def as_toml(specs: Iterable[CandidateSpec]) -> str:
    """Write candidates as a settings file, every setting said."""
    return "\n".join(_table(spec) for spec in specs)


def _candidate(name: str, table: Any) -> CandidateSpec:
    if not NAME.fullmatch(name) or name in TAKEN:
        raise ValueError(f"[{name}]: expected a name of small letters, digits and _, other than {', '.join(TAKEN)}")
    if not isinstance(table, Mapping):
        raise ValueError(f"{name}: expected a table with a family, got {table!r}")
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    family = given.pop("family", None)
    if not isinstance(family, str) or family not in FAMILIES:
        raise ValueError(f"[{name}] family: expected one of {', '.join(FAMILIES)}, got {family!r}")
    of_spec: dict[str, Any] = {key: given.pop(key) for key in ("codes", "negatives_kept") if key in given}
    known = [one.name for one in fields(FAMILIES[family])]
    try:
        return CandidateSpec(name, FAMILIES[family](**given), **of_spec)
    except ValidationError as error:
        wrong = error.errors()[0]
        setting = ".".join(str(part) for part in wrong["loc"])
        if setting not in known and setting not in of_spec:
            raise ValueError(f"[{name}]: unknown setting {setting!r}; known are {', '.join(known)}") from None
        raise ValueError(f"[{name}] {setting}: {wrong['msg'].lower()}, got {wrong['input']!r}") from None


def _table(spec: CandidateSpec) -> str:
    said = {"family": spec.settings.family, "codes": spec.codes, "negatives_kept": spec.negatives_kept}
    said |= {one.name: getattr(spec.settings, one.name) for one in fields(FAMILIES[spec.settings.family])}
    return "".join([f"[{spec.name}]\n", *(f"{key} = {_value(value)}\n" for key, value in said.items())])


def _value(value: object) -> str:
    """Write a text, number, truth or list of texts; TOML has JSON's forms of them."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)
