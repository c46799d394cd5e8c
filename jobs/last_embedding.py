"""The last embedding before a day: what a retrain is held against, and where a warm start begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import scipy.sparse as sp

from jobs.cli import say
from jobs.embedding import EMBEDDINGS
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.log_note import LogNote
from jobs.token_schema import check_token_schema
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.store import load
from models.autoencoder.warm_start import LastVersion

SinceLast = dict[str, Any]
"""See ``LastEmbedding.since``."""

SINCE_LAST = "since_last"
"""Where an embedding's manifest says it; null where there was nothing to compare with."""


@dataclass(frozen=True)
class LastEmbedding:
    """An embedding of a day before, on today's vocabulary."""

    version: str
    learned: LastVersion
    warm: bool
    """Whether training begins there."""

    @property
    def start(self) -> LastVersion | None:
        """What training begins at, where it does not begin cold."""
        return self.learned if self.warm else None

    def since(self, estimator: Autoencoder, counts: sp.csr_matrix) -> SinceLast:
        """Give ``from``, the version, ``warm``, and the figures of ``LastVersion.stability``."""
        return {"from": self.version, "warm": self.warm, **self.learned.stability(estimator, counts)}


def last_embedding(
    lake: Lake, note: LogNote, ds: date, estimator: Autoencoder, words: Sequence[str], *, warm: bool
) -> LastEmbedding | None:
    """Read the last embedding before a day.

    Parameters
    ----------
    estimator : Autoencoder
        What is to be fitted.
    words : sequence of str
        Today's vocabulary.
    warm : bool
        Whether training is to begin there.

    Returns
    -------
    LastEmbedding or None
        None where there is none, or none that can be compared, which is said.

    Raises
    ------
    BadInput
        With a warm start, in place of None.
    """
    days = [day for day in lake.days(EMBEDDINGS) if day < ds]
    if not days:
        if warm:
            raise BadInput(f"--warm-start: expected an embedding of a day before {ds} in {lake.root}, got none")
        return None
    try:
        stored = load(lake.get_folder(EMBEDDINGS, days[-1]))
        check_token_schema(stored.manifest, note)
        learned = LastVersion.of(stored.estimator, stored.vocabulary, words)
        learned.check(estimator)
    except ValueError as error:
        if warm:
            raise BadInput(f"--warm-start from {days[-1]}: {error}") from None
        say(f"not compared with the embedding of {days[-1]}: {error}")
        return None
    return LastEmbedding(stored.manifest["version"], learned, warm)
