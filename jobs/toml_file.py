"""Reading TOML files that a user wrote."""

from __future__ import annotations

import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from jobs.errors import BadInput


def read_toml(what: str, source: Path | Traversable) -> dict[str, Any]:
    """Read a file.

    Parameters
    ----------
    what : str
        What it is, for the message: ``gates file``.
    source : Path or Traversable
        Where it is.

    Raises
    ------
    BadInput
        When it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise BadInput(f"{what} {source}: expected a readable TOML file: {reason}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{what} {source}: expected TOML: {error}") from None
