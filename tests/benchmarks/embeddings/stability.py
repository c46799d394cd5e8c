"""How alike two seeds make an embedding: the same latents, and codes that tell the same users alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.autoencoder.measures import linear_cka, matched_share

FloatRows = NDArray[np.floating]


class Agreement(NamedTuple):
    """Means over pairs of seeds."""

    matched_share: float | None
    """Of latents, whose match in the other dictionary has a cosine of at least 0.7; None without a dictionary."""
    linear_cka: float
    """Of the codes of the same users, none of whom was learned from; see `models.autoencoder.measures`."""


@dataclass(frozen=True)
class Kept:
    """What is kept of a fitted embedding to hold it against that of another seed."""

    codes: sp.csr_matrix
    """Of held-out users, shape (n_users, n_latents)."""
    dictionary: FloatRows | None
    """What each latent stands for, shape (n_latents, n_tokens); None where no row is a latent's own."""

    def save(self, path: Path) -> None:
        """Write an `.npz` file; the dictionary in half precision."""
        dictionary = {} if self.dictionary is None else {"dictionary": self.dictionary.astype(np.float16)}
        np.savez(path, codes=self.codes.toarray().astype(np.float32), **dictionary)

    @classmethod
    def load(cls, path: Path) -> Kept:
        """Read what `save` wrote."""
        with np.load(path) as found:
            dictionary = found["dictionary"].astype(np.float64) if "dictionary" in found else None
            return cls(sp.csr_matrix(found["codes"]), dictionary)


def agreement(seeds: Sequence[Kept]) -> Agreement | None:
    """Hold every two seeds of one method against each other; None where there are no two."""
    pairs = list(combinations(seeds, 2))
    if not pairs:
        return None
    shares = [
        matched_share(one.dictionary, other.dictionary)
        for one, other in pairs
        if one.dictionary is not None and other.dictionary is not None
    ]
    alike = [linear_cka(one.codes, other.codes) for one, other in pairs]
    return Agreement(float(np.mean(shares)) if shares else None, float(np.mean(alike)))


def mean_agreement(lakes: Sequence[Agreement | None]) -> Agreement | None:
    """Average over lakes; None where one has none."""
    known = [one for one in lakes if one is not None]
    if not known or len(known) < len(lakes):
        return None
    shares = [one.matched_share for one in known if one.matched_share is not None]
    return Agreement(float(np.mean(shares)) if shares else None, float(np.mean([one.linear_cka for one in known])))
