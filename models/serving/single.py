"""Rounding to float32, for models that compare in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .types import Floats

LARGEST = 1e30


def to_single(rows: Floats) -> NDArray[np.float32]:
    """Round encoded rows to float32; larger numbers are cut to 1e30, so that nothing overflows."""
    return np.minimum(np.maximum(rows, -LARGEST), LARGEST).astype(np.float32)  # np.clip takes four times as long
