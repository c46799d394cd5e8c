"""All that is said of a model's quality on one set of rows, as JSON values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.batch import LabelledRows
from models.evaluation import auc, auc_interval, calibration_bins, calibration_by, ece, lift, log_loss
from models.serving.types import Floats

PLATFORM = "platform"
"""A feature by which calibration is looked at."""
USER_SENDS = "user_sends_all"
"""The feature that tells new users, of whom no send was known yet, from known ones."""


def quality(p: Floats, rows: LabelledRows, *, seed: int = 0) -> dict[str, Any]:
    """Judge click probabilities.

    Parameters
    ----------
    p : ndarray of shape (n_rows,)
        Calibrated probabilities.
    rows : LabelledRows
        The rows they are for.
    seed : int
        What bootstrap samples are drawn with.

    Returns
    -------
    dict
        ``auc``, ``auc_ci``, ``log_loss``, ``ece``, ``mean_p``, ``mean_y``, ``calibration_bins``, ``lift``,
        ``by_platform`` and ``by_cohort`` (``known`` and ``new`` users), which are empty where the rows lack the
        feature that tells.
    """
    return {
        "auc": auc(p, rows.label),
        "auc_ci": list(auc_interval(p, rows.label, rows.user, seed=seed)),
        "log_loss": log_loss(p, rows.label),
        "ece": ece(p, rows.label),
        "mean_p": float(p.mean()),
        "mean_y": float(rows.label.mean()),
        "calibration_bins": calibration_bins(p, rows.label),
        "lift": lift(p, rows.label, rows.user),
        "by_platform": _calibration_by("platform", p, rows, rows.batch.get(PLATFORM)),
        "by_cohort": _calibration_by("cohort", p, rows, _cohort(rows)),
    }


def _calibration_by(key: str, p: Floats, rows: LabelledRows, name: NDArray[Any] | None) -> list[dict[str, Any]]:
    return [] if name is None else calibration_by(key, p, rows.label, name)


def _cohort(rows: LabelledRows) -> NDArray[Any] | None:
    sends = rows.batch.get(USER_SENDS)
    return None if sends is None else np.where(sends > 0, "known", "new")
