"""Fitting on some of the rows without a click, and putting the probabilities right again."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.serving.calibrators import Calibrator, Platt, Uncalibrated


def sampled_rows(label: NDArray[np.int64], negatives_kept: float, *, seed: int) -> NDArray[np.intp]:
    """Draw the rows to fit on: all with a click, and each other one with the same probability; in their order."""
    drawn = np.random.default_rng(seed).random(len(label)) < negatives_kept
    return np.flatnonzero((label == 1) | drawn)


def correction(negatives_kept: float) -> Calibrator:
    """Give the map from probabilities among sampled rows to those among all.

    Leaving out negatives divides the odds p / (1 - p) by their share that is kept, so the logit is shifted back by the
    logarithm of the share: exact, whatever the model (King and Zeng, 2001, "prior correction"; He et al., 2014).
    """
    return Platt(1.0, math.log(negatives_kept)) if negatives_kept < 1 else Uncalibrated()
