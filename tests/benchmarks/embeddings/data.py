"""What the comparison knows of a lake: plain files that `collect.py` beside this one wrote, read without Spark.

`learn`: what every user had done that was known before the first midnight of the validation part. All embeddings are
fitted on nine tenths of these users; the others measure reconstruction.

`requests`: what each user of the training set had done as of the midnight that served each send, by the product's own
`features.behaviour.behaviour_rows`. A send's code is encoded from its own row, so nothing of the day that is measured,
or of any later one, is in the code, and training rows have the codes that they would have had.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import scipy.sparse as sp

from models.schema import FeatureSchema

FILES = LEARN, REQUESTS, ROWS, SCHEMA = ("learn.npz", "requests.npz", "rows.parquet", "schema.json")
INTERESTS = "interests.npz"
REQUEST = "request"
PARTS = TRAIN, VALIDATION, HOLDOUT = ("train", "validation", "holdout")


@dataclass(frozen=True)
class Data:
    """One lake's data."""

    learn: sp.csr_matrix
    """Raw counts as of the cut, shape (n_users, n_tokens), in order of the user."""
    requests: sp.csr_matrix
    """Raw counts of each distinct (user, as_of), shape (n_requests, n_tokens); the last row is empty, for whoever had
    done nothing."""
    rows: dict[str, pa.Table]
    """Labelled rows by part, with their place in `requests`."""
    schema: FeatureSchema
    interests: sp.csr_matrix | None
    """The simulator's true interests of each request's user, where the lake is a simulated one."""
    digest: str = ""
    """Of the files."""


def load(folder: Path) -> Data:
    """Read what `collect` wrote."""
    rows = pq.read_table(folder / ROWS)
    paths = [folder / name for name in (*FILES, INTERESTS) if (folder / name).exists()]
    return Data(
        learn=sp.load_npz(folder / LEARN),
        requests=sp.load_npz(folder / REQUESTS),
        rows={part: rows.filter(pc.equal(rows["part"], part)) for part in PARTS},
        schema=FeatureSchema.from_json(json.loads((folder / SCHEMA).read_text())),
        interests=sp.load_npz(folder / INTERESTS) if (folder / INTERESTS).exists() else None,
        digest=digest_of(paths),
    )


def digest_of(paths: Iterable[Path]) -> str:
    """Give 16 hex digits of the hash of files, in the order given."""
    digest = sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
