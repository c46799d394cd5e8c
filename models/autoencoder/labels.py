"""How pushes ended: the labels of rows, where an autoencoder is to tell clicks as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from models.autoencoder.ranks import ALONE, Ranks
from models.autoencoder.scaling import Floats


@dataclass(frozen=True)
class Labels:
    """Clicks and sends of each row, and what they come to in all."""

    counts: Floats
    """Clicks and sends of what each row's user was sent after the row was taken, shape (n_rows, 2); a row without sends
    has no label."""
    rate: float
    """Clicks over sends of all rows, above 0 and below 1."""
    sends_per_row: float
    """Mean over all rows, those without sends among them."""

    @classmethod
    def of(cls, y: npt.ArrayLike | None, n_rows: int, ranks: Ranks = ALONE) -> Self:
        """Check and take the labels of all rows; rate and mean are those of all processes.

        Raises
        ------
        ValueError
            When there are none, or they are not clicks and sends of each row, some of them clicked and some not.
        """
        counts = _checked(y, n_rows)
        clicks, sends, rows = _totals(counts, ranks)
        if not 0 < clicks < sends:
            raise ValueError("y: expected some sends clicked and some not")
        return cls(counts, clicks / sends, sends / rows)

    @classmethod
    def of_some(cls, y: npt.ArrayLike | None, n_rows: int) -> Self:
        """Take the labels of some rows of a stream, of which none may be clicked, or even sent.

        Rate and mean are then those of half a click more and half a click less, and of a send a row.

        Raises
        ------
        ValueError
            When there are none, or they are not clicks and sends of each row.
        """
        counts = _checked(y, n_rows)
        clicks, sends, rows = _totals(counts, ALONE)
        rate = clicks / sends if 0 < clicks < sends else (clicks + 0.5) / (sends + 1)
        return cls(counts, rate, sends / rows or 1.0)

    @property
    def entropy(self) -> float:
        """Log-loss, in nats a send, of who predicts the same rate for all."""
        return float(-(self.rate * np.log(self.rate) + (1 - self.rate) * np.log1p(-self.rate)))


def _checked(y: npt.ArrayLike | None, n_rows: int) -> Floats:
    if y is None or np.shape(y) != (n_rows, 2):
        got = "none" if y is None else np.shape(y)
        raise ValueError(f"click_weight is above 0: expected y of shape {(n_rows, 2)}, clicks and sends, got {got}")
    counts = np.asarray(y, dtype=np.float32)
    if not (counts[:, 0] >= 0).all() or not (counts[:, 0] <= counts[:, 1]).all():
        raise ValueError("y: expected 0 <= clicks <= sends in each row")
    return counts


def _totals(counts: Floats, ranks: Ranks) -> tuple[float, float, float]:
    """Give clicks, sends and rows of all processes."""
    clicks, sends, rows = ranks.total(np.array([*counts.sum(axis=0, dtype=np.float64), len(counts)]))
    return float(clicks), float(sends), float(rows)
