"""The comparison of embeddings that `make bench-embeddings` wrote, checked when read."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from jobs.errors import BadInput
from jobs.report.comparison_measures import EmbeddingComparison


def read_comparison(path: str) -> EmbeddingComparison:
    """Read a ``comparison.json``.

    Raises
    ------
    BadInput
        When it cannot be read, is no JSON, or lacks a figure.
    """
    try:
        return EmbeddingComparison.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise BadInput(f"--embedding-comparison {path}: expected a readable file: {error.strerror}") from None
    except ValidationError as error:
        raise BadInput(f"--embedding-comparison {path}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """Say in one line what is wrong with the first wrong figure."""
    wrong = error.errors()[0]
    place = ".".join(str(part) for part in wrong["loc"]) or "the file"
    if wrong["type"] == "missing":
        return f"expected {place}, got none"
    return f"{place}: {wrong['msg'].lower()}".partition("\n")[0]
