"""Rows made to part a model from its conversions, and how far these may be from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.batch import ArrayBatch, take
from models.schema import FeatureSchema
from models.serving.encoder import LATENT_VALUES, LATENTS

PROBE_ROWS = 20_000
SPOILED_SHARE = 0.1
"""Share of the probe's cells that are replaced, in each way."""
HUGE = (1e9, -1e9, 1e300, -1e300)
MOST_DIFFERENCE = 1e-4
"""Largest difference in calibrated probability that a conversion may make; beyond it, it is unusable."""
UNSEEN = "a word no vocabulary has"


def probe(
    batch: Mapping[str, NDArray[Any]], schema: FeatureSchema, *, rows: int = PROBE_ROWS, seed: int = 0
) -> ArrayBatch:
    """Draw rows and spoil some of their cells: nulls, zeros, huge values, unseen categories, absent codes.

    Parameters
    ----------
    batch : mapping of str to ndarray
        Real rows to draw from, with replacement.
    schema : FeatureSchema
        Which columns are what.
    rows : int
        How many rows to make.
    seed : int
        What they are drawn with.
    """
    rng = np.random.default_rng(seed)
    drawn = take(batch, rng.integers(len(next(iter(batch.values()))), size=rows))

    def some() -> Any:
        return rng.random(rows) < SPOILED_SHARE

    for name in schema.numeric:
        for value in (np.nan, 0.0, rng.choice(HUGE, size=rows)):
            drawn[name] = np.where(some(), value, drawn[name])
    for name in schema.categorical:
        drawn[name][some()] = None
        drawn[name][some()] = UNSEEN
    if LATENTS in drawn:
        absent = some()
        drawn[LATENTS][absent] = None
        drawn[LATENT_VALUES][absent] = None
    return drawn


def is_usable(difference: float | None) -> bool:
    """Say whether a conversion gives the probabilities of the model."""
    return difference is not None and difference <= MOST_DIFFERENCE
